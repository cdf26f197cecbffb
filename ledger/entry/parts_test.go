package entry

import (
	"bytes"
	"reflect"
	"testing"

	"indelible/test/seed"
)

func TestPartsRoundTrip(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 200 {
		m := map[Class]Hash{}
		for class := ClassClinical; class <= MaxClass; class++ {
			if c.coin() {
				m[class] = c.id32()
			}
		}
		p, err := NewParts(m)
		if len(m) == 0 {
			requireCode(t, err, CodeFieldMissing)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseParts(p.Encode())
		if err != nil || got != p {
			t.Fatalf("%v, %v", got, err)
		}
		back := map[Class]Hash{}
		for _, class := range got.Classes() {
			back[class], _ = got.Get(class)
		}
		if !reflect.DeepEqual(back, m) {
			t.Fatalf("got %v, want %v", back, m)
		}
		if p.Digest() != hashOf(p.Encode()) {
			t.Fatal("the digest is not the SHA-256")
		}
		sameBytes(t, "parts by fxamacker/cbor", second(t, bytesOf(m)), p.Encode())
	}
	for _, class := range []Class{0, MaxClass + 1, 255} {
		if _, err := NewParts(map[Class]Hash{class: {}}); err == nil {
			t.Errorf("class %d accepted", class)
		}
		if _, ok := (Parts{}).Get(class); ok {
			t.Errorf("class %d is there", class)
		}
	}
}

func bytesOf(m map[Class]Hash) map[Class][]byte {
	b := map[Class][]byte{}
	for class, h := range m {
		b[class] = bytes.Clone(h[:])
	}
	return b
}

// sealedRecord is a statement with its parts and openings.
type sealedRecord struct {
	s        *Statement
	parts    Parts
	openings map[Class][]byte
}

// sealRecord makes a statement of a kind that commits to contents.
func sealRecord(t testing.TB, c chance, d Draft, contents map[Class]Opening) sealedRecord {
	t.Helper()
	r := sealedRecord{openings: map[Class][]byte{}}
	commitments := map[Class]Hash{}
	for class, content := range contents {
		o, err := NewOpening(c.reader(), content.MediaType, content.Content)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := o.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r.openings[class], commitments[class] = encoded, Commit(encoded)
	}
	parts, err := NewParts(commitments)
	if err != nil {
		t.Fatal(err)
	}
	r.parts = parts
	d.Parts = ptr(parts.Digest())
	r.s = mustSign(t, d, vectorEd25519("sealed"))
	return r
}

func content(t testing.TB, v interface{ EncodeContent() ([]byte, error) }) Opening {
	t.Helper()
	b, err := v.EncodeContent()
	if err != nil {
		t.Fatal(err)
	}
	return Opening{MediaType: MediaTypeCBOR, Content: b}
}

// goodRecords has one record for each row of the table of parts in
// FORMATS §2.
func goodRecords(t testing.TB, c chance) map[string]sealedRecord {
	draft := func(kind Kind, i int) Draft { return acceptCases(t, kind)[i].draft }
	fhir := Opening{MediaType: MediaTypeFHIR, Content: []byte(`{"resourceType":"Observation"}`)}
	spans := Opening{MediaType: MediaTypeSpans, Content: []byte{0x80}}
	raw := Opening{MediaType: "text/csv", Content: []byte("72,2026-03-01")}
	handles := HandleList{vectorID("a"), vectorID("b")}
	return map[string]sealedRecord{
		"FHIR reading":  sealRecord(t, c, draft(KindReading, 0), map[Class]Opening{ClassClinical: fhir, ClassIdentity: spans}),
		"other reading": sealRecord(t, c, draft(KindReading, 0), map[Class]Opening{ClassClinical: raw}),
		"correction":    sealRecord(t, c, draft(KindCorrection, 0), map[Class]Opening{ClassClinical: fhir, ClassIdentity: spans}),
		"author":        sealRecord(t, c, draft(KindAuthor, 0), map[Class]Opening{ClassIdentity: content(t, AuthorIdentity{Chain: [][]byte{{0x30}}})}),
		"handle":        sealRecord(t, c, draft(KindHandle, 0), map[Class]Opening{ClassIdentity: content(t, HandleLink{})}),
		"consent":       sealRecord(t, c, draft(KindConsent, 0), map[Class]Opening{ClassIdentity: {MediaType: "application/pdf", Content: []byte("%PDF")}}),
		"access":        sealRecord(t, c, draft(KindAccess, 0), map[Class]Opening{ClassAudit: content(t, AccessAudit{User: "user"})}),
		"erasure":       sealRecord(t, c, draft(KindErasure, 0), map[Class]Opening{ClassSeries: content(t, handles)}),
		"hold":          sealRecord(t, c, draft(KindHold, 0), map[Class]Opening{ClassSeries: content(t, HoldTarget{handles, ClassClinical})}),
	}
}

func TestCheckSealedAcceptsEveryKind(t *testing.T) {
	c := chance{seed.Rand(t)}
	for name, r := range goodRecords(t, c) {
		if err := r.s.CheckSealed(r.parts, r.openings, true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckSealedRefuses(t *testing.T) {
	c := chance{seed.Rand(t)}
	records := goodRecords(t, c)
	for name, r := range records {
		for class, opening := range r.openings {
			flipped := map[Class][]byte{}
			for k, v := range r.openings {
				flipped[k] = bytes.Clone(v)
			}
			flipped[class][len(opening)/2] ^= 1
			requireCode(t, r.s.CheckSealed(r.parts, flipped, true), CodeCommitmentMismatch)
			delete(flipped, class)
			requireCode(t, r.s.CheckSealed(r.parts, flipped, true), CodeNotSealed)
			if err := r.s.CheckSealed(r.parts, flipped, false); err != nil {
				t.Errorf("%s without its %s part: %v", name, class, err)
			}
		}
		for other, foreign := range records {
			if other != name {
				requireCode(t, r.s.CheckSealed(foreign.parts, foreign.openings, true), CodeCommitmentMismatch)
			}
		}
	}
	reading := records["other reading"]
	extra := map[Class][]byte{ClassClinical: reading.openings[ClassClinical], ClassAudit: records["access"].openings[ClassAudit]}
	requireCode(t, reading.s.CheckSealed(reading.parts, extra, true), CodeSealUnexpected)
	open := mustSign(t, acceptCases(t, KindBinding)[0].draft, vectorP256("registrar 1"))
	requireCode(t, open.CheckSealed(reading.parts, nil, false), CodeSealUnexpected)
}

// TestCheckSealedRefusesWrongContents: right commitments to what the kind does
// not have.
func TestCheckSealedRefusesWrongContents(t *testing.T) {
	c := chance{seed.Rand(t)}
	draft := func(kind Kind) Draft { return acceptCases(t, kind)[0].draft }
	fhir := Opening{MediaType: MediaTypeFHIR, Content: []byte(`{}`)}
	null := Opening{MediaType: MediaTypeCBOR, Content: []byte{0xf6}}
	for name, r := range map[string]sealedRecord{
		"FHIR without identity part":     sealRecord(t, c, draft(KindReading), map[Class]Opening{ClassClinical: fhir}),
		"identity part without clinical": sealRecord(t, c, draft(KindReading), map[Class]Opening{ClassIdentity: null}),
		"two parts, not FHIR":            sealRecord(t, c, draft(KindReading), map[Class]Opening{ClassClinical: null, ClassIdentity: null}),
		"FHIR, identity not spans":       sealRecord(t, c, draft(KindReading), map[Class]Opening{ClassClinical: fhir, ClassIdentity: null}),
		"reading with audit part":        sealRecord(t, c, draft(KindReading), map[Class]Opening{ClassClinical: fhir, ClassAudit: null}),
		"access with identity part":      sealRecord(t, c, draft(KindAccess), map[Class]Opening{ClassIdentity: null}),
		"access with null":               sealRecord(t, c, draft(KindAccess), map[Class]Opening{ClassAudit: null}),
		"author with null":               sealRecord(t, c, draft(KindAuthor), map[Class]Opening{ClassIdentity: null}),
		"handle with FHIR":               sealRecord(t, c, draft(KindHandle), map[Class]Opening{ClassIdentity: fhir}),
		"erasure with null":              sealRecord(t, c, draft(KindErasure), map[Class]Opening{ClassSeries: null}),
		"hold with a list of handles":    sealRecord(t, c, draft(KindHold), map[Class]Opening{ClassSeries: content(t, HandleList{{1}})}),
		"consent with clinical part":     sealRecord(t, c, draft(KindConsent), map[Class]Opening{ClassClinical: null}),
	} {
		err := r.s.CheckSealed(r.parts, r.openings, true)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		requireRefusal(t, err)
	}
}
