package entry

import (
	"errors"
	"reflect"
	"testing"

	"indelible/test/seed"
)

func TestRandomDraftsRoundTrip(t *testing.T) {
	c := chance{seed.Rand(t)}
	rounds := 200
	if testing.Short() || raceEnabled {
		rounds = 40
	}
	for _, kind := range Kinds() {
		for range rounds {
			d, key := c.draft(t, kind)
			s := mustSign(t, d, key)
			again, err := Parse(s.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, s) {
				t.Fatalf("%s: a second parse differs", kind)
			}
			sameBytes(t, "re-encoded "+kind.String(), reencode(t, s), s.Bytes())
			if !sameDraft(draftOf(s), d) {
				t.Fatalf("%s: signed\n%+v %+v\nparsed\n%+v %+v", kind, d, d.Body, draftOf(s), s.Body)
			}
			if s.Author != publicOf(t, key).Author() {
				t.Fatalf("%s: wrong author", kind)
			}
			checkLeafRoundTrip(t, c, s)
		}
	}
}

// sameDraft compares drafts but for the order of lists that have none.
func sameDraft(a, b Draft) bool {
	pa, err := a.payload()
	pb, err2 := b.payload()
	a.Body, b.Body = nil, nil
	return err == nil && err2 == nil && reflect.DeepEqual(pa, pb) && reflect.DeepEqual(a, b)
}

func checkLeafRoundTrip(t *testing.T, c chance, s *Statement) {
	t.Helper()
	at := c.Uint64() >> c.IntN(64)
	leaf, err := s.Leaf(at)
	if err != nil {
		t.Fatal(err)
	}
	gotTime, statement, err := ParseLeaf(leaf)
	if err != nil || gotTime != at {
		t.Fatalf("leaf: time %d, want %d, error %v", gotTime, at, err)
	}
	sameBytes(t, "statement in leaf", statement, s.Bytes())
}

// TestEveryFlipIsRefused flips every bit of statements of every kind: what still
// parses must not verify, and only a flip of the signature keeps the id.
func TestEveryFlipIsRefused(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		d, key := c.draft(t, kind)
		if kind == KindGenesis {
			d.Body = &Genesis{Origin: "o", LogKey: spkiOf(t, c.ed25519()), Registrars: [][]byte{spkiOf(t, key)}, Jurisdictions: []JurisdictionRule{{Name: "eu", Regime: RegimeGDPR}}}
		}
		if n, ok := d.Body.(*NodeChange); ok {
			n.Node.Placement = nil
		}
		s, pub := mustSign(t, d, key), publicOf(t, key)
		signatureAt := len(s.Bytes()) - signatureSize
		for i := range s.Bytes() {
			for bit := range 8 {
				if kind == KindNode && i%7 != 0 && i > 400 && i < 1600 {
					continue // one ML-DSA key byte is like another
				}
				if raceEnabled && bit != i%8 {
					continue
				}
				raw := append([]byte(nil), s.Bytes()...)
				raw[i] ^= 1 << bit
				flipped, err := Parse(raw)
				if err != nil {
					requireRefusal(t, err)
					continue
				}
				if flipped.Verify(pub) == nil {
					t.Fatalf("%s: byte %d bit %d flipped, and it verifies", kind, i, bit)
				}
				if sameID := flipped.ID() == s.ID(); sameID != (i >= signatureAt) {
					t.Fatalf("%s: byte %d: same id %v", kind, i, sameID)
				}
			}
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		d, key := c.draft(t, kind)
		s := mustSign(t, d, key)
		for n := range s.Bytes() {
			if _, err := Parse(s.Bytes()[:n]); err == nil {
				t.Fatalf("%s: accepted when cut to %d of %d bytes", kind, n, len(s.Bytes()))
			}
		}
		if _, err := Parse(append(append([]byte(nil), s.Bytes()...), 0)); err == nil {
			t.Fatalf("%s: accepted with a byte more", kind)
		}
	}
}

func requireRefusal(t testing.TB, err error) *Refusal {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) {
		t.Fatalf("not a refusal: %v", err)
	}
	if _, ok := Meaning(r.Code); !ok {
		t.Fatalf("code %s is not in the table", r.Code)
	}
	return r
}

// TestParseKeepsItsOwnCopy: what a caller does with its buffer afterwards is its
// own business.
func TestParseKeepsItsOwnCopy(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		d, key := c.draft(t, kind)
		s := mustSign(t, d, key)
		buffer := append([]byte(nil), s.Bytes()...)
		kept, err := Parse(buffer)
		if err != nil {
			t.Fatal(err)
		}
		clear(buffer)
		if !reflect.DeepEqual(kept, s) {
			t.Fatalf("%s: the statement changed with the buffer", kind)
		}
	}
}
