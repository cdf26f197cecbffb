package entry

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"
)

// The guessing attack (P6). The attacker holds the leaf, and so statement and
// signature, the public key, the parts, and the whole opening of the identity
// part; it knows every plausible value, time and spelling. It lacks the nonce of
// the clinical part, and so it must not learn the value. The same attacker is let
// loose on weakened records first, where it must win: a test that cannot find
// anything would prove nothing.

// What is guessed.
const (
	lowestRate, highestRate = 20, 250 // beats a minute
	minutesOfDay            = 24 * 60
	trueMinute              = 12*60 + 34
)

var spellings = []string{
	`{"resourceType":"Observation","status":"final","effectiveDateTime":"2026-03-01T%02d:%02d:00Z","valueQuantity":{"value":%d,"unit":"/min"}}`,
	`{"resourceType":"Observation","status":"final","effectiveDateTime":"2026-03-01T%02d:%02d:00Z","valueQuantity":{"value":%d.0,"unit":"/min"}}`,
	`{"resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-03-01T%02d:%02d:00Z", "valueQuantity": {"value": %d, "unit": "/min"}}`,
}

func reading(spelling, minute, rate int) []byte {
	return fmt.Appendf(nil, spellings[spelling], minute/60, minute%60, rate)
}

// scheme is a way of making the payload of a reading; one is ours.
type scheme struct {
	name  string
	nonce io.Reader                                             // of the clinical part
	plain func(content []byte, identity Hash) (p Hash, ok bool) // replaces the digest of parts
}

// evidence is what the attacker holds.
type evidence struct {
	leaf     []byte
	s        *Statement
	key      *PublicKey
	identity Hash   // commitment of the part it can open
	parts    []Hash // every commitment
}

// record writes a reading of a rate. Everything but nonces is the same for every
// rate.
func record(t testing.TB, key crypto.Signer, how scheme, rate int) evidence {
	t.Helper()
	content := reading(0, trueMinute, rate)
	clinical, err := NewOpening(how.nonce, MediaTypeFHIR, content)
	if err != nil {
		t.Fatal(err)
	}
	spans := &Opening{Nonce: vectorHash("identity nonce"), MediaType: MediaTypeSpans, Content: []byte{0x80}}
	c1, c2 := commitTo(t, clinical), commitTo(t, spans)
	parts, err := NewParts(map[Class]Hash{ClassClinical: c1, ClassIdentity: c2})
	if err != nil {
		t.Fatal(err)
	}
	d := deviceDraft(KindReading, SubOfBinding(vectorID("binding")), nil)
	d.Parts = ptr(parts.Digest())
	e := evidence{key: publicOf(t, key), identity: c2, parts: []Hash{c1, c2}}
	if how.plain != nil {
		if p, ok := how.plain(content, c2); ok {
			d.Parts, e.parts = &p, []Hash{c2}
		}
	}
	e.s = mustSign(t, d, key)
	if e.leaf, err = e.s.Leaf(vectorTime); err != nil {
		t.Fatal(err)
	}
	return e
}

func commitTo(t testing.TB, o *Opening) Hash {
	t.Helper()
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return Commit(b)
}

// attack returns the rates that anything the attacker can compute points to.
func (e evidence) attack(minutes []int) map[int]bool {
	known := map[[32]byte]bool{}
	for i := 0; i+32 <= len(e.leaf); i++ {
		known[[32]byte(e.leaf[i:])] = true
	}
	for _, c := range e.parts {
		known[c] = true
	}
	nonces := e.nonceGuesses()
	found := map[int]bool{}
	var b []byte
	for spelling := range spellings {
		for _, minute := range minutes {
			for rate := lowestRate; rate <= highestRate; rate++ {
				content := reading(spelling, minute, rate)
				for _, commitment := range e.commitments(content, nonces, &b) {
					if e.matches(commitment, known, &b) {
						found[rate] = true
					}
				}
			}
		}
	}
	return found
}

// nonceGuesses: what a careless author might take for a nonce.
func (e evidence) nonceGuesses() [][32]byte {
	ones := [32]byte(bytes.Repeat([]byte{0xff}, 32))
	sid, kid := e.s.ID(), e.key.Author()
	return [][32]byte{{}, ones, sid, kid, e.s.LogID(), sha256.Sum256(kid[:]), sha256.Sum256(fmt.Appendf(nil, "%d/%d", e.s.Boot, e.s.Seq))}
}

// commitments are the digests the clinical part could have.
func (e evidence) commitments(content []byte, nonces [][32]byte, b *[]byte) []Hash {
	list := []Hash{sha256.Sum256(content)}
	for _, nonce := range nonces {
		*b = appendUint(appendArray((*b)[:0], 4), openingVersion)
		*b = appendText(appendBytes(*b, nonce[:]), MediaTypeFHIR)
		*b = appendBytes(*b, content)
		list = append(list, sha256.Sum256(*b))
	}
	return list
}

// matches looks for the commitment, and for the parts it would give, in
// everything known.
func (e evidence) matches(c Hash, known map[[32]byte]bool, b *[]byte) bool {
	*b = appendBytes(appendUint(append((*b)[:0], 0xa1), 1), c[:])
	alone := sha256.Sum256(*b)
	(*b)[0] = 0xa2
	*b = appendBytes(appendUint(*b, 2), e.identity[:])
	return known[c] || known[alone] || known[sha256.Sum256(*b)]
}

// attackSignature asks the signature instead: it returns the rates whose payload
// the author has signed.
func (e evidence) attackSignature() map[int]bool {
	payload := e.s.tbs[len(e.s.tbs)-HashSize:]
	found := map[int]bool{}
	nonces := e.nonceGuesses()[:1]
	var b []byte
	for spelling := range spellings {
		for rate := lowestRate; rate <= highestRate; rate++ {
			for _, c := range e.commitments(reading(spelling, trueMinute, rate), nonces, &b) {
				both := appendBytes(appendUint(append(b[:0], 0xa2), 1), c[:])
				both = appendBytes(appendUint(both, 2), e.identity[:])
				for _, guess := range []Hash{c, sha256.Sum256(both)} {
					tbs := append(bytes.Clone(e.s.tbs[:len(e.s.tbs)-len(payload)]), guess[:]...)
					if verifySign1(e.key, tbs, e.s.sig) == nil {
						found[rate] = true
					}
				}
			}
		}
	}
	return found
}

// zeros is a reader of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestGuessingAttack(t *testing.T) {
	const v, other = 72, 168
	minutes := []int{trueMinute}
	for m := 0; m < minutesOfDay; m += 10 {
		minutes = append(minutes, m)
	}
	if testing.Short() || raceEnabled {
		minutes = minutes[:8]
	}
	for name, key := range map[string]crypto.Signer{"Ed25519": vectorEd25519("device"), "P-256": vectorP256("device")} {
		t.Run(name, func(t *testing.T) {
			weak := []scheme{
				{"nonce of zeros", zeros{}, nil},
				{"nonce from the key", bytes.NewReader(kidOf(t, key)), nil},
				{"payload is the hash of the content", rand.Reader, func(content []byte, _ Hash) (Hash, bool) { return sha256.Sum256(content), true }},
				{"commitment is the hash of the content", rand.Reader, func(content []byte, c2 Hash) (Hash, bool) {
					p, err := NewParts(map[Class]Hash{ClassClinical: sha256.Sum256(content), ClassIdentity: c2})
					return p.Digest(), err == nil
				}},
			}
			for _, how := range weak {
				if got := record(t, key, how, v).attack([]int{trueMinute}); len(got) != 1 || !got[v] {
					t.Errorf("%s: the attacker found %v, want %d: this test tests nothing", how.name, got, v)
				}
			}
			for _, i := range []int{0, 2, 3} {
				if got := record(t, key, weak[i], v).attackSignature(); len(got) != 1 || !got[v] {
					t.Errorf("%s: the signature gave %v, want %d: this test tests nothing", weak[i].name, got, v)
				}
			}
			ours := scheme{"ours", rand.Reader, nil}
			worlds := []evidence{record(t, key, ours, v), record(t, key, ours, other)}
			for i, e := range worlds {
				if got := e.attack(minutes); len(got) != 0 {
					t.Errorf("world %d: the attacker found %v", i, got)
				}
				if got := e.attackSignature(); len(got) != 0 {
					t.Errorf("world %d: the signature gave %v away", i, got)
				}
			}
			requireSameButForDigest(t, worlds[0], worlds[1])
		})
	}
}

func kidOf(t testing.TB, key crypto.Signer) []byte {
	kid := publicOf(t, key).Author()
	return bytes.Repeat(kid[:], 16)
}

// requireSameButForDigest: of two records that differ in the value alone, the
// leaves differ in the digest and the signature alone, not even in length.
func requireSameButForDigest(t *testing.T, a, b evidence) {
	t.Helper()
	if len(a.leaf) != len(b.leaf) {
		t.Fatalf("leaves of %d and %d bytes", len(a.leaf), len(b.leaf))
	}
	blank := func(e evidence) []byte {
		leaf := bytes.Clone(e.leaf)
		at := bytes.Index(leaf, e.s.Parts[:])
		clear(leaf[at : at+HashSize])
		clear(leaf[len(leaf)-signatureSize:])
		return leaf
	}
	sameBytes(t, "leaf without digest and signature", blank(a), blank(b))
}
