package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestVKeysRoundTrip(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 1, 1)
	for _, vkey := range []string{l.log.VKey(), l.nodes[0].VKey(), l.pqNodes[0].VKey(), tesseraVKey} {
		k, err := ParseVKey(vkey)
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewKey(k.Name(), k.Type(), k.Public())
		if err != nil || again.String() != vkey || again.ID() != k.ID() {
			t.Errorf("vkey of type %d made again: %v", k.Type(), err)
		}
	}
	if l.log.KeyID() == l.nodes[0].KeyID() || l.nodes[0].KeyID() == l.pqNodes[0].KeyID() {
		t.Error("key IDs of different keys are equal")
	}
	if got, want := CosignerVKey("node1", l.members[0].Ed25519), l.nodes[0].VKey(); got != want {
		t.Errorf("cosigner vkey %q, want %q", got, want)
	}
	if got, want := MLDSAVKey("node1", l.members[0].MLDSA), l.pqNodes[0].VKey(); got != want {
		t.Errorf("ML-DSA vkey %q, want %q", got, want)
	}
	if LogVKey("a b", edPublic(1)) != "" || CosignerVKey("a", edPublic(1)[:31]) != "" || MLDSAVKey("a", nil) != "" {
		t.Error("a key that NewKey refuses has a vkey")
	}
}

func TestHostileVKeys(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 1, 1)
	good := l.log.VKey()
	id, key := strings.Split(good, "+")[1], strings.SplitN(good, "+", 3)[2]
	typed := func(typ byte, pub []byte) string {
		return fmt.Sprintf("%s+%08x+%s", testOrigin, keyID(testOrigin, KeyType(typ), pub),
			base64.StdEncoding.EncodeToString(append([]byte{typ}, pub...)))
	}
	cases := map[string]string{
		"nothing":                   "",
		"a name":                    testOrigin,
		"two parts":                 testOrigin + "+" + id,
		"no name":                   "+" + id + "+" + key,
		"another name":              strings.Replace(good, testOrigin, "other", 1),
		"a name with a space":       strings.Replace(good, testOrigin, "a b", 1),
		"a name of 256 bytes":       strings.Replace(good, testOrigin, strings.Repeat("n", 256), 1),
		"a wrong ID":                strings.Replace(good, id, "00000000", 1),
		"an ID in capitals":         strings.Replace(good, id, strings.ToUpper(id), 1),
		"an ID of seven digits":     strings.Replace(good, id, id[1:], 1),
		"no key":                    testOrigin + "+" + id + "+",
		"a key without padding":     strings.TrimRight(good, "=") + "x",
		"a key with a line feed":    good + "\n",
		"an ECDSA key":              typed(2, make([]byte, 91)),
		"type 5":                    typed(5, edPublic(1)),
		"type 255":                  typed(255, edPublic(1)),
		"an Ed25519 key of 31":      typed(1, edPublic(1)[:31]),
		"an Ed25519 key of 33":      typed(1, append(slices.Clone(edPublic(1)), 0)),
		"a cosigner key of 31":      typed(4, edPublic(1)[:31]),
		"an ML-DSA key of 1,311":    typed(6, l.members[0].MLDSA[1:]),
		"an ML-DSA key of 32":       typed(6, edPublic(1)),
		"an Ed25519 key of order 1": typed(1, append([]byte{1}, make([]byte, 31)...)),
		"a cosigner key of order 4": typed(4, make([]byte, 32)),
		"a second spelling of zero": typed(1, append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)),
		"endless":                   good + strings.Repeat("A", maxVKey),
	}
	for what, hostile := range cases {
		if k, err := ParseVKey(hostile); err == nil {
			t.Errorf("%s: accepted as %s", what, k)
		} else if !oneReason(err) {
			t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
		}
	}
}

// The list of keys of small order is checked against the curve itself: each is
// a point whose eightfold is the neutral element, and there are eight.
func TestSmallOrderKeysAreThoseOfTheCurve(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	points := 0
	for _, text := range smallOrder {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if validEd25519(raw) == nil {
			t.Errorf("%s: accepted", text)
		}
		points += smallOrderPoints(t, p, raw)
		raw[31] |= 0x80 // the same y with the other sign
		if validEd25519(raw) == nil {
			t.Errorf("%s with the other sign: accepted", text)
		}
	}
	if points != 8 {
		t.Errorf("the list covers %d points of small order, want 8", points)
	}
	for add := int64(0); add < 19; add++ { // y at and above the prime
		raw := new(big.Int).Add(p, big.NewInt(add)).FillBytes(make([]byte, 32))
		slices.Reverse(raw)
		if validEd25519(raw) == nil {
			t.Errorf("y = p+%d: accepted", add)
		}
	}
	below := new(big.Int).Sub(p, big.NewInt(2)).FillBytes(make([]byte, 32))
	slices.Reverse(below)
	if err := validEd25519(below); err != nil {
		t.Errorf("y = p-2: %v", err)
	}
}

// smallOrderPoints counts the points with this y whose eightfold is neutral,
// in affine coordinates on -x²+y² = 1+dx²y².
func smallOrderPoints(t *testing.T, p *big.Int, littleEndian []byte) int {
	t.Helper()
	mod := func(x *big.Int) *big.Int { return x.Mod(x, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	div := func(a, b *big.Int) *big.Int { return mul(a, new(big.Int).ModInverse(b, p)) }
	one := big.NewInt(1)
	d := div(mod(big.NewInt(-121665)), big.NewInt(121666))
	bigEndian := slices.Clone(littleEndian)
	slices.Reverse(bigEndian)
	y := new(big.Int).SetBytes(bigEndian)
	yy := mul(y, y)
	x := new(big.Int).ModSqrt(div(mod(new(big.Int).Sub(yy, one)), mod(new(big.Int).Add(mul(d, yy), one))), p)
	if x == nil {
		t.Fatalf("%x is no point of the curve", littleEndian)
	}
	px, py := x, y
	for range 3 { // double
		k := mul(d, mul(mul(px, px), mul(py, py)))
		sum := mod(new(big.Int).Mul(big.NewInt(2), mul(px, py)))
		diff := mod(new(big.Int).Add(mul(py, py), mul(px, px)))
		px, py = div(sum, mod(new(big.Int).Add(one, k))), div(diff, mod(new(big.Int).Sub(one, k)))
	}
	if px.Sign() != 0 || py.Cmp(one) != 0 {
		t.Errorf("%x is not of small order", littleEndian)
	}
	if x.Sign() == 0 {
		return 1 // x = -x
	}
	return 2
}

// foreign is a cosigner as an x/mod verifier, so that note.Open, which is not
// ours, decides.
type foreign struct{ *Key }

func (f foreign) KeyHash() uint32 { return f.ID() }

func (f foreign) Verify(msg, sig []byte) bool {
	c, err := ParseCheckpoint(string(msg))
	if err != nil {
		return false
	}
	_, err = f.Key.Verify(c, Signature{Name: f.Name(), KeyID: f.ID(), Bytes: sig})
	return err == nil
}

func TestNotesOpenWithSumdbNote(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	all := append(slices.Clone(l.nodes), l.pqNodes...)
	signed := l.note(9, all...)
	logKey, err := note.NewVerifier(l.log.VKey())
	if err != nil {
		t.Fatal(err)
	}
	if logKey.Name() != testOrigin || logKey.KeyHash() != l.log.KeyID() {
		t.Errorf("their verifier is %s %08x, ours %s %08x", logKey.Name(), logKey.KeyHash(), testOrigin, l.log.KeyID())
	}
	verifiers := []note.Verifier{logKey}
	for _, c := range all {
		verifiers = append(verifiers, foreign{c.key})
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil || len(opened.Sigs) != len(verifiers) || len(opened.UnverifiedSigs) != 0 {
		t.Fatalf("opened as %+v, error %v", opened, err)
	}

	// And theirs with ours.
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := note.Sign(&note.Note{Text: l.checkpoint(9).Text()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := NewPolicy(PolicySpec{LogID: l.id, LogVKey: vkey, Quorum: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := policy.VerifyCheckpoint(theirs); err != nil || v.Checkpoint != l.checkpoint(9) || v.Earliest != 0 || v.CosignedBy != nil {
		t.Errorf("their checkpoint: %+v, %v", v, err)
	}
}

// The signed bytes, put together a second time from C2SP tlog-cosignature.
func TestCosignedMessages(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	c := l.checkpoint(9)
	const now = 1_700_000_000
	got, err := l.nodes[0].key.cosigned(c, now)
	want := "cosignature/v1\ntime 1700000000\n" + testOrigin + "\n9\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
	if err != nil || string(got) != want {
		t.Errorf("Ed25519 message %q, %v; want %q", got, err, want)
	}
	got, err = l.pqNodes[0].key.cosigned(c, now)
	want = "subtree/v1\n\x00" + "\x05node1" + bigEndian(now) + string(rune(len(testOrigin))) + testOrigin +
		bigEndian(0) + bigEndian(9) + string(c.Root[:])
	if err != nil || string(got) != want {
		t.Errorf("ML-DSA-44 message %q, %v; want %q", got, err, want)
	}
}

func bigEndian(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func TestSignersRefuse(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	c := l.checkpoint(9)
	foreignOrigin, space, tooLarge, notEmpty := c, c, c, c
	foreignOrigin.Origin, space.Origin, tooLarge.Size, notEmpty.Size = "other", "a b", MaxSize+1, 0
	_, err := l.log.Sign(foreignOrigin)
	wantError(t, "another log's checkpoint", err, ErrOrigin)
	for what, wrong := range map[string]Checkpoint{"a name with a space": space, "a size too large": tooLarge, "size 0 with a root": notEmpty} {
		if _, err := l.log.Sign(wrong); err == nil {
			t.Errorf("log signed %s", what)
		}
		for _, by := range []*Cosigner{l.nodes[0], l.pqNodes[0]} {
			if _, err := by.Cosign(wrong, 1); err == nil {
				t.Errorf("cosigner signed %s", what)
			}
		}
	}
	for _, by := range []*Cosigner{l.nodes[0], l.pqNodes[0]} {
		for _, time := range []uint64{0, MaxSize + 1} {
			if _, err := by.Cosign(c, time); err == nil {
				t.Errorf("cosigner signed at time %d", time)
			}
		}
		if by.Name() != "node1" {
			t.Errorf("cosigner is called %q", by.Name())
		}
	}
	for what, err := range map[string]error{
		"log":      second(NewLogSigner("a b", edKey(1))),
		"log key":  second(NewLogSigner("a", edKey(1)[:32])),
		"cosigner": second(NewCosigner("", edKey(1))),
		"ML-DSA":   second(NewMLDSACosigner("a+b", pqKey(t, 1))),
		"no key":   second(NewMLDSACosigner("a", nil)),
	} {
		if err == nil {
			t.Errorf("%s: signer was made", what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A cosignature is bound to size, root, origin and, for ML-DSA-44, to the name.
func TestKeyVerifiesOnlyWhatWasSigned(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	c := l.checkpoint(9)
	for _, by := range []*Cosigner{l.nodes[0], l.pqNodes[0]} {
		line, err := by.Cosign(c, 1_700_000_000)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := ParseSignature(line)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := by.key.Verify(c, sig); err != nil || at != 1_700_000_000 {
			t.Errorf("verified at %d, %v", at, err)
		}
		size, root, origin := c, c, c
		size.Size, root.Root[0], origin.Origin = 10, root.Root[0]^1, "other.example"
		for _, wrong := range []Checkpoint{size, root, origin} {
			_, err := by.key.Verify(wrong, sig)
			wantError(t, "another checkpoint", err, ErrSignature)
		}
		_, err = l.log.key.Verify(c, sig)
		wantError(t, "another key", err, ErrSignature)
	}
	renamed, err := NewMLDSACosigner("node9", pqKey(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	line, err := l.pqNodes[0].Cosign(c, 5) // the same key under its real name
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ParseSignature(line)
	if err != nil {
		t.Fatal(err)
	}
	sig.Name, sig.KeyID = renamed.Name(), renamed.KeyID()
	_, err = renamed.key.Verify(c, sig)
	wantError(t, "an ML-DSA signature under another name", err, ErrSignature)
}
