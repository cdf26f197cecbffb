package entry

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"io"
	"math/big"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"indelible/test/seed"
)

// A slow second implementation of Ed25519 verification by the rules of
// FORMATS §1, over math/big, written from RFC 8032 section 5.1.

var (
	edP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edL = func() *big.Int {
		n, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
		return n.Add(n, new(big.Int).Lsh(big.NewInt(1), 252))
	}()
	edD = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), edP)
		return d.Mod(d.Mul(d, big.NewInt(-121665)), edP)
	}()
	edBase = func() edPoint {
		four := new(big.Int).ModInverse(big.NewInt(5), edP)
		p, ok := edDecode(encodeY(four.Mod(four.Mul(four, big.NewInt(4)), edP), 0))
		if !ok {
			panic("no base point")
		}
		return p
	}()
)

type edPoint struct{ x, y *big.Int }

func edMod(n *big.Int) *big.Int { return n.Mod(n, edP) }

func (a edPoint) add(b edPoint) edPoint {
	x1y2, y1x2 := new(big.Int).Mul(a.x, b.y), new(big.Int).Mul(a.y, b.x)
	y1y2, x1x2 := edMod(new(big.Int).Mul(a.y, b.y)), edMod(new(big.Int).Mul(a.x, b.x))
	k := edMod(new(big.Int).Mul(edD, new(big.Int).Mul(x1x2, y1y2)))
	one := big.NewInt(1)
	x := new(big.Int).Mul(x1y2.Add(x1y2, y1x2), new(big.Int).ModInverse(edMod(new(big.Int).Add(one, k)), edP))
	y := new(big.Int).Mul(y1y2.Add(y1y2, x1x2), new(big.Int).ModInverse(edMod(new(big.Int).Sub(one, k)), edP))
	return edPoint{edMod(x), edMod(y)}
}

func (a edPoint) times(n *big.Int) edPoint {
	r := edPoint{big.NewInt(0), big.NewInt(1)}
	for i := n.BitLen() - 1; i >= 0; i-- {
		if r = r.add(r); n.Bit(i) == 1 {
			r = r.add(a)
		}
	}
	return r
}

func (a edPoint) equal(b edPoint) bool { return a.x.Cmp(b.x) == 0 && a.y.Cmp(b.y) == 0 }

func (a edPoint) encode() []byte { return encodeY(a.y, byte(a.x.Bit(0))<<7) }

// edDecode decodes canonical encodings only.
func edDecode(b []byte) (edPoint, bool) {
	le := bytes.Clone(b)
	sign := uint(le[31] >> 7)
	le[31] &= 0x7f
	y := fromLittle(le)
	if y.Cmp(edP) >= 0 {
		return edPoint{}, false
	}
	yy := edMod(new(big.Int).Mul(y, y))
	u := edMod(new(big.Int).Sub(yy, big.NewInt(1)))
	v := edMod(new(big.Int).Add(new(big.Int).Mul(edD, yy), big.NewInt(1)))
	x := new(big.Int).ModSqrt(edMod(new(big.Int).Mul(u, new(big.Int).ModInverse(v, edP))), edP)
	if x == nil || x.Sign() == 0 && sign == 1 {
		return edPoint{}, false
	}
	if x.Bit(0) != sign {
		x.Sub(edP, x)
	}
	return edPoint{x, y}, true
}

func fromLittle(b []byte) *big.Int {
	be := bytes.Clone(b)
	for i, j := 0, len(be)-1; i < j; i, j = i+1, j-1 {
		be[i], be[j] = be[j], be[i]
	}
	return new(big.Int).SetBytes(be)
}

// edVerify: [8][S]B = [8]R + [8][k]A, canonical A and R, A not of small order,
// S < L.
func edVerify(pub, msg, sig []byte) bool {
	A, ok := edDecode(pub)
	if !ok {
		return false
	}
	R, ok := edDecode(sig[:32])
	S := fromLittle(sig[32:])
	if !ok || S.Cmp(edL) >= 0 {
		return false
	}
	eight := big.NewInt(8)
	if A.times(eight).equal(edPoint{big.NewInt(0), big.NewInt(1)}) {
		return false
	}
	k := challenge(sig[:32], pub, msg)
	return edBase.times(S).times(eight).equal(R.add(A.times(k)).times(eight))
}

func challenge(r, pub, msg []byte) *big.Int {
	h := sha512.New()
	h.Write(r)
	h.Write(pub)
	h.Write(msg)
	k := fromLittle(h.Sum(nil))
	return k.Mod(k, edL)
}

// torsionSigner is an Ed25519 key whose holder adds points of small order to the
// key and to the signatures.
type torsionSigner struct {
	a, r               *big.Int
	torsionA, torsionR edPoint
	encodeR            func(edPoint) []byte
}

func (s *torsionSigner) Public() crypto.PublicKey {
	return ed25519.PublicKey(edBase.times(s.a).add(s.torsionA).encode())
}

func (s *torsionSigner) Sign(_ io.Reader, msg []byte, _ crypto.SignerOpts) ([]byte, error) {
	R := s.encodeR(edBase.times(s.r).add(s.torsionR))
	k := challenge(R, s.Public().(ed25519.PublicKey), msg)
	S := k.Mod(k.Add(k.Mul(k, s.a), s.r), edL)
	return append(R, encodeY(S, 0)...), nil
}

func torsionPoints(t testing.TB) []edPoint {
	canonical, _ := smallOrder(t)
	var points []edPoint
	for _, y := range canonical {
		p, ok := edDecode(y)
		if !ok {
			t.Fatal("a point of small order does not decode")
		}
		points = append(points, p)
	}
	return points
}

// edCase is a statement whose signature is unusual, and its key.
type edCase struct {
	name string
	s    *Statement
	key  *PublicKey
}

// signedBy makes a reading with exactly this signature: Draft.Sign would refuse
// what does not verify.
func signedBy(t testing.TB, d Draft, key crypto.Signer, edit func(sig []byte) []byte) (*Statement, *PublicKey) {
	t.Helper()
	pub := publicOf(t, key)
	raw, err := signSign1(nil, key, pub, d.protected(AlgEdDSA, pub.Author()), d.Parts[:])
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		copy(raw[len(raw)-signatureSize:], edit(raw[len(raw)-signatureSize:]))
	}
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s, pub
}

// edCases covers what implementations disagree about (Chalkias, Garillot and
// Nikolaenko, "Taming the many EdDSAs"): mixed order A and R in every
// combination, small-order R, non-canonical R, S + L, S + 2^252 and plain
// forgeries.
func edCases(t testing.TB, c chance) []edCase {
	points := torsionPoints(t)
	if raceEnabled {
		points = points[:3]
	}
	var cases []edCase
	add := func(name string, key crypto.Signer, edit func([]byte) []byte) {
		d, _ := c.draft(t, KindReading)
		s, pub := signedBy(t, d, key, edit)
		cases = append(cases, edCase{name, s, pub})
	}
	random := func() *big.Int { b := c.id32(); return new(big.Int).Mod(new(big.Int).SetBytes(b[:]), edL) }
	for i, ta := range points {
		for j, tr := range points {
			add("torsion "+string(rune('0'+i))+string(rune('0'+j)), &torsionSigner{random(), random(), ta, tr, edPoint.encode}, nil)
		}
		add("small-order R", &torsionSigner{random(), big.NewInt(0), points[0], ta, edPoint.encode}, nil)
	}
	canonical, noncanonical := smallOrder(t)
	for _, y := range noncanonical {
		add("non-canonical R", &torsionSigner{random(), big.NewInt(0), points[0], points[0], func(edPoint) []byte { return bytes.Clone(y) }}, nil)
	}
	honest := c.ed25519()
	add("honest", honest, nil)
	add("S + L", honest, func(sig []byte) []byte {
		return append(bytes.Clone(sig[:32]), encodeY(new(big.Int).Add(fromLittle(sig[32:]), edL), 0)...)
	})
	add("S + 8 L", honest, func(sig []byte) []byte {
		n := new(big.Int).Add(fromLittle(sig[32:]), new(big.Int).Mul(edL, big.NewInt(8)))
		return append(bytes.Clone(sig[:32]), encodeY(n, 0)...)
	})
	add("S = 0, R of small order", honest, func([]byte) []byte { return append(bytes.Clone(canonical[1]), make([]byte, 32)...) })
	add("S = L - 1", honest, func(sig []byte) []byte {
		return append(bytes.Clone(sig[:32]), encodeY(new(big.Int).Sub(edL, big.NewInt(1)), 0)...)
	})
	add("all zero", honest, func([]byte) []byte { return make([]byte, 64) })
	add("all ones", honest, func([]byte) []byte { return bytes.Repeat([]byte{0xff}, 64) })
	for i := range 64 {
		add("one bit flipped", honest, func(sig []byte) []byte { b := bytes.Clone(sig); b[i] ^= 1 << (i % 8); return b })
	}
	return cases
}

// TestEdDSASingleEqualsBatch: single verification, verification with expanded
// keys and batches of every size give the answer of the slow implementation, for
// every case, alone and among good ones.
func TestEdDSASingleEqualsBatch(t *testing.T) {
	c := chance{seed.Rand(t)}
	cases := edCases(t, c)
	want := make([]bool, len(cases))
	accepted := 0
	for i, e := range cases {
		if want[i] = edVerify(e.key.ed25519, e.s.tbs, e.s.sig); want[i] {
			accepted++
		}
		if err := e.s.Verify(e.key); (err == nil) != want[i] {
			t.Errorf("%s: single says %v, the slow implementation %v", e.name, err, want[i])
		}
	}
	if accepted < 64+8 && !raceEnabled { // all mixed orders and all canonical R of small order
		t.Fatalf("only %d of %d cases accepted", accepted, len(cases))
	}
	for _, size := range []int{1, 2, minBatch, 7, 31, 93, 94, 95, len(cases)} {
		checkBatches(t, cases, want, size)
	}
	checkAmongGood(t, c, cases, want)
	checkTorsionReport(t, cases)
}

func checkBatches(t *testing.T, cases []edCase, want []bool, size int) {
	t.Helper()
	v := NewVerifier(VerifierConfig{})
	for from := 0; from < len(cases); from += size {
		part := cases[from:min(from+size, len(cases))]
		stmts, keys := split(part)
		for i, err := range v.Verify(stmts, keys) {
			if (err == nil) != want[from+i] {
				t.Errorf("%s in a batch of %d: %v, want accepted %v", part[i].name, size, err, want[from+i])
			}
		}
	}
}

func split(cases []edCase) (stmts []*Statement, keys []*PublicKey) {
	for _, e := range cases {
		stmts, keys = append(stmts, e.s), append(keys, e.key)
	}
	return stmts, keys
}

func checkAmongGood(t *testing.T, c chance, cases []edCase, want []bool) {
	t.Helper()
	var good []edCase
	for range minBatch + 2 {
		d, _ := c.draft(t, KindReading)
		s, key := signedBy(t, d, c.ed25519(), nil)
		good = append(good, edCase{"good", s, key})
	}
	for i, e := range cases {
		v := NewVerifier(VerifierConfig{})
		stmts, keys := split(append(append([]edCase{}, good...), e))
		errs := v.Verify(stmts, keys)
		for j, err := range errs[:len(good)] {
			if err != nil {
				t.Errorf("good statement %d beside %s: %v", j, e.name, err)
			}
		}
		if err := errs[len(good)]; (err == nil) != want[i] {
			t.Errorf("%s among good ones: %v, want accepted %v", e.name, err, want[i])
		}
	}
}

// checkTorsionReport: the standard library refuses what a key holder gave
// torsion; Torsion says so, and stays silent about honest and bad signatures.
func checkTorsionReport(t *testing.T, cases []edCase) {
	t.Helper()
	reported := 0
	for _, e := range cases {
		ours, theirs := e.s.Verify(e.key) == nil, ed25519.Verify(e.key.ed25519, e.s.tbs, e.s.sig)
		if e.s.Torsion(e.key) != (ours && !theirs) {
			t.Errorf("%s: reported %v", e.name, e.s.Torsion(e.key))
		}
		if theirs && !ours {
			t.Errorf("%s: the standard library accepts what is refused here", e.name)
		}
		if ours && !theirs {
			reported++
		}
	}
	if reported == 0 {
		t.Error("no case with torsion was made")
	}
}

// TestScalarOrder ties the slow implementation to the library: both have the
// same group.
func TestScalarOrder(t *testing.T) {
	var two scalar.Scalar
	if _, err := two.SetBytesModOrder(append([]byte{2}, make([]byte, 31)...)); err != nil {
		t.Fatal(err)
	}
	var p curve.EdwardsPoint
	p.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &two)
	var y curve.CompressedEdwardsY
	y.SetEdwardsPoint(&p)
	sameBytes(t, "2 B", edBase.add(edBase).encode(), y[:])
}
