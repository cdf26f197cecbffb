package entry

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"

	"indelible/test/seed"
)

// The second implementation: go-cose for the envelope and fxamacker/cbor for
// what is inside, written from FORMATS alone.

var secondEnc = func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

var secondDec = func() cbor.DecMode {
	m, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		panic(err)
	}
	return m
}()

type fieldMap map[int64]any

// sorted is a list without an order of its own.
func sorted[T any](t testing.TB, items []T) []cbor.RawMessage {
	list := []cbor.RawMessage{}
	for _, item := range items {
		list = append(list, second(t, item))
	}
	slices.SortFunc(list, func(a, b cbor.RawMessage) int { return bytes.Compare(a, b) })
	return list
}

func second(t testing.TB, v any) []byte {
	t.Helper()
	b, err := secondEnc.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func secondNode(t testing.TB, n Node) []any {
	return []any{n.Name, n.AuthorKey, n.CosignerKey, n.MLDSAKey, n.TLSKey, sorted(t, n.Placement)}
}

func keysOrEmpty(keys [][]byte) [][]byte { return append([][]byte{}, keys...) }

func secondBody(t testing.TB, d Draft) fieldMap {
	if d.Confirms != nil {
		return fieldMap{0: d.Confirms[:]}
	}
	switch b := d.Body.(type) {
	case *Genesis:
		nodes, rules := [][]any{}, [][]any{}
		for _, n := range b.Nodes {
			nodes = append(nodes, secondNode(t, n))
		}
		for _, r := range b.Jurisdictions {
			rules = append(rules, []any{r.Name, r.Regime, r.Grace, r.FloorClinical, r.FloorIdentity, r.FloorAudit})
		}
		return fieldMap{1: b.Origin, 2: b.LogKey, 3: sorted(t, nodes), 4: keysOrEmpty(b.Registrars), 5: keysOrEmpty(b.Operators), 6: sorted(t, rules)}
	case *AuthorChange:
		if b.Action == AuthorEnrol {
			return fieldMap{1: b.Action, 2: b.Key, 3: b.Role, 4: sorted(t, b.Jurisdictions), 5: b.Linkable}
		}
		m := fieldMap{1: b.Action, 6: b.Author[:]}
		if b.Upto != nil {
			m[7] = b.Upto[:]
		}
		return m
	case *CAChange:
		return fieldMap{1: b.Action, 2: b.Key}
	case *HandleChange:
		if b.Action == ActionOpen {
			return fieldMap{1: b.Action, 2: b.Class, 3: b.At}
		}
		return fieldMap{1: b.Action, 4: b.At}
	case *BindingChange:
		m := fieldMap{1: b.Action, 2: b.Binding[:]}
		if b.Action == ActionOpen {
			m[3], m[4], m[5] = b.Handle[:], b.Author[:], b.From
		}
		if b.To != nil {
			m[6] = *b.To
		}
		return m
	}
	return secondBodyMore(t, d)
}

func secondBodyMore(t testing.TB, d Draft) fieldMap {
	switch b := d.Body.(type) {
	case *Correction:
		return fieldMap{1: b.Corrects[:]}
	case *Consent:
		m := fieldMap{1: b.Action, 2: sorted(t, b.Purposes), 3: b.Regime, 4: b.Basis, 5: b.From, 7: b.Document[:]}
		if b.To != nil {
			m[6] = *b.To
		}
		return m
	case *Access:
		m := fieldMap{1: b.Accessor[:], 2: b.Action, 3: b.Outcome, 4: b.Purpose, 6: b.Position}
		if b.Bundle != nil {
			m[5] = b.Bundle[:]
		}
		return m
	case *Erasure:
		switch b.Step {
		case StepRequest:
			return fieldMap{1: b.Step, 2: b.Scope}
		case StepExecuted:
			return fieldMap{1: b.Step, 3: b.Request[:], 4: b.RootVersion, 5: b.Method, 6: b.Strength}
		case StepLost:
			return fieldMap{1: b.Step, 3: b.Request[:], 7: b.Node[:]}
		}
		return fieldMap{1: b.Step, 3: b.Request[:]}
	case *Hold:
		if b.Action == HoldRelease {
			return fieldMap{1: b.Action, 2: b.Set[:]}
		}
		return fieldMap{1: b.Action}
	case *PolicyChange:
		return fieldMap{1: b.Type, 2: b.Hash[:], 3: b.Regime}
	case *IndexSeal:
		return fieldMap{1: b.N, 2: b.Root[:]}
	case *NodeChange:
		m := fieldMap{1: b.Action, 2: secondNode(t, b.Node)}
		if b.Range != nil {
			m[3] = b.Range[:]
		}
		return m
	}
	t.Fatalf("no second encoding of a %s", d.Kind)
	return nil
}

func secondPayload(t testing.TB, d Draft) []byte {
	switch {
	case d.Kind == KindReading:
		return d.Parts[:]
	case d.Kind.shape() == shapeOpen:
		return second(t, secondBody(t, d))
	case d.Parts == nil:
		return second(t, []any{nil, secondBody(t, d)})
	}
	return second(t, []any{d.Parts[:], secondBody(t, d)})
}

func secondHeaders(d Draft, alg int64, kid AuthorID) cose.ProtectedHeader {
	claims := map[any]any{int64(1): "urn:indelible:author:" + kid.String(), int64(6): d.IssuedAt / 1000, int64(-70002): d.IssuedAt % 1000}
	switch d.Sub.Type {
	case SubBinding:
		claims[int64(2)] = "b:" + d.Sub.Binding().String()
	case SubHandle:
		claims[int64(2)] = "h:" + d.Sub.Handle().String()
	}
	if d.Kind != KindGenesis {
		claims[int64(3)] = "urn:indelible:log:" + d.Log.String()
	}
	if d.Jurisdiction != "" {
		claims[int64(-70001)] = d.Jurisdiction
	}
	if d.Seq != 0 {
		claims[int64(-70003)], claims[int64(-70004)] = d.Seq, d.Boot
	}
	if d.Prev != nil {
		claims[int64(-70005)] = d.Prev[:]
	}
	if d.Seen != nil {
		claims[int64(-70006)] = []any{d.Seen.Size, d.Seen.Root[:]}
	}
	if d.Request != nil {
		claims[int64(-70007)] = d.Request[:]
	}
	h := cose.ProtectedHeader{
		int64(1): cose.Algorithm(alg), int64(4): kid[:], int64(15): claims,
		int64(16): "application/indelible." + d.Kind.String() + "+cose",
	}
	if d.Kind == KindReading {
		h[int64(258)], h[int64(259)] = int64(-16), "application/indelible.parts+cbor"
	}
	return h
}

// TestSecondImplementation builds random drafts with the other libraries and
// reads ours with them: the signed bytes are equal, both signatures verify on
// both sides.
func TestSecondImplementation(t *testing.T) {
	c := chance{seed.Rand(t)}
	rounds := 40
	if testing.Short() || raceEnabled {
		rounds = 10
	}
	for _, kind := range Kinds() {
		for range rounds {
			d, key := c.draft(t, kind)
			ours := mustSign(t, d, key)
			theirs := secondSign(t, d, key, ours)
			normal, err := NormalizeSignature(theirs)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(normal)
			if err != nil {
				t.Fatalf("%s made by go-cose: %v", kind, err)
			}
			if err := s.Verify(publicOf(t, key)); err != nil {
				t.Fatalf("%s made by go-cose: %v", kind, err)
			}
			if s.ID() != ours.ID() {
				t.Fatalf("%s: the two implementations sign different bytes\n%x\n%x", kind, s.Bytes(), ours.Bytes())
			}
			secondRead(t, ours, key.Public())
		}
	}
}

func secondSign(t testing.TB, d Draft, key crypto.Signer, ours *Statement) []byte {
	t.Helper()
	signer, err := cose.NewSigner(cose.Algorithm(ours.Alg), key)
	if err != nil {
		t.Fatal(err)
	}
	m := cose.NewSign1Message()
	m.Headers.Protected = secondHeaders(d, ours.Alg, ours.Author)
	m.Payload = secondPayload(t, d)
	if err := m.Sign(rand.Reader, nil, signer); err != nil {
		t.Fatal(err)
	}
	b, err := m.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func secondRead(t testing.TB, s *Statement, pub crypto.PublicKey) {
	t.Helper()
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(s.Bytes()); err != nil {
		t.Fatal(err)
	}
	verifier, err := cose.NewVerifier(cose.Algorithm(s.Alg), pub)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(nil, verifier); err != nil {
		t.Fatalf("go-cose does not verify our %s: %v", s.Kind, err)
	}
	again, err := m.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "re-encoded by go-cose", again, s.Bytes())
	if s.Kind != KindReading {
		var v any
		if err := secondDec.Unmarshal(m.Payload, &v); err != nil {
			t.Fatal(err)
		}
		sameBytes(t, "payload re-encoded by fxamacker/cbor", second(t, v), m.Payload)
	}
}

// TestSynonymAlgorithms: -9 and -19 say exactly what -7 and -8 say.
func TestSynonymAlgorithms(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, pair := range []struct {
		key crypto.Signer
		alg int64
	}{{c.p256(), AlgESP256}, {c.ed25519(), AlgEd25519}} {
		d, _ := c.draft(t, KindReading)
		pub := publicOf(t, pair.key)
		raw, err := signSign1(nil, pair.key, pub, d.protected(pair.alg, pub.Author()), d.Parts[:])
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(pub); err != nil || s.Alg != pair.alg {
			t.Fatalf("algorithm %d: %v", s.Alg, err)
		}
		sameBytes(t, "re-encoded", reencode(t, s), raw)
	}
}
