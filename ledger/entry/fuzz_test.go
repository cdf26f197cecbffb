package entry

import (
	"bytes"
	"testing"
)

// Every parser: it never panics, refuses with a code of the table, and what it
// accepts has exactly one spelling, the one it was given.

// seedVectors adds the vectors of a file to a corpus.
func seedVectors(f *testing.F, names ...string) {
	for _, name := range names {
		file := readVectors(f, name)
		for _, v := range file.Accept {
			f.Add(unhex(f, v.Bytes))
		}
		for i, v := range file.Refuse {
			if i%4 == 0 {
				f.Add(unhex(f, v.Bytes))
			}
		}
	}
}

func fuzzFormat(f *testing.F, read func([]byte) ([]byte, error)) {
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		again, err := read(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			requireRefusal(t, err)
			return
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("accepted a second spelling:\n%x\n%x", data, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, kind := range Kinds() {
		seedVectors(f, kind.String())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		if s.Log == (LogID{}) && s.Kind != KindGenesis {
			return // no Draft is addressed to no log
		}
		sameBytes(t, "re-encoded", reencode(t, s), data)
		if _, err := s.Leaf(s.IssuedAt); err != nil {
			t.Fatal(err)
		}
		normal, err := NormalizeSignature(data)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Parse(normal)
		if err != nil || n.ID() != s.ID() {
			t.Fatalf("normalised: %v", err)
		}
		if err := s.Verify(publicOf(t, vectorEd25519("device"))); err != nil {
			requireRefusal(t, err)
		}
	})
}

func FuzzNormalizeSignature(f *testing.F) {
	seedVectors(f, "reading", "certification")
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := NormalizeSignature(data)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		twice, err := NormalizeSignature(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("normalised twice: %x, then %x, %v", once, twice, err)
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	seedVectors(f, "leaf")
	fuzzFormat(f, readAgain(parsedLeaf, func(l parsed) ([]byte, error) { return Leaf(l.at, l.statement) }))
}

func FuzzParseOpening(f *testing.F) {
	seedVectors(f, "opening")
	fuzzFormat(f, readAgain(ParseOpening, (*Opening).Encode))
}

func FuzzParseParts(f *testing.F) {
	seedVectors(f, "parts")
	fuzzFormat(f, readAgain(ParseParts, func(p Parts) ([]byte, error) { return p.Encode(), nil }))
}

func FuzzParseAuthorIdentity(f *testing.F) {
	seedVectors(f, "content-author")
	fuzzFormat(f, readAgain(ParseAuthorIdentity, AuthorIdentity.EncodeContent))
}

func FuzzParseHandleLink(f *testing.F) {
	seedVectors(f, "content-handle")
	fuzzFormat(f, readAgain(ParseHandleLink, HandleLink.EncodeContent))
}

func FuzzParseAccessAudit(f *testing.F) {
	seedVectors(f, "content-access")
	fuzzFormat(f, readAgain(ParseAccessAudit, AccessAudit.EncodeContent))
}

func FuzzParseHandleList(f *testing.F) {
	seedVectors(f, "content-erasure")
	fuzzFormat(f, readAgain(ParseHandleList, HandleList.EncodeContent))
}

func FuzzParseHoldTarget(f *testing.F) {
	seedVectors(f, "content-hold")
	fuzzFormat(f, readAgain(ParseHoldTarget, HoldTarget.EncodeContent))
}

func FuzzParseCertification(f *testing.F) {
	seedVectors(f, "certification")
	f.Fuzz(func(t *testing.T, data []byte) {
		identity, binding := vectorEd25519("identity"), spkiOf(t, vectorEd25519("binding key"))
		c, err := parseCertification(data)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		var m mapWriter
		m.key(headerAlg)
		m.body = appendInt(m.body, c.alg)
		if c.kid != nil {
			m.bytes(headerKid, c.kid[:])
		}
		m.text(headerTyp, typCertification)
		b := appendBytes([]byte{tagSign1, arraySign1}, m.appendTo(nil))
		b = appendBytes(appendBytes(append(b, emptyMap), c.payload), c.sig)
		sameBytes(t, "re-encoded", b, data)
		if err := VerifyCertification(data, identity.Public(), binding, vectorID("handle")); err != nil {
			requireRefusal(t, err)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add(spkiOf(f, vectorEd25519("device")))
	f.Add(spkiOf(f, vectorP256("device")))
	fuzzFormat(f, readAgain(ParsePublicKey, publicOfKey))
}

// publicOfKey encodes a key anew from its numbers.
func publicOfKey(k *PublicKey) ([]byte, error) {
	again, err := NewPublicKey(k.Key())
	if err != nil {
		return nil, err
	}
	return again.SPKI(), nil
}

func FuzzParseCAKey(f *testing.F) {
	f.Add(p384SPKI(f))
	f.Add(spkiOf(f, vectorP256("device")))
	f.Add(vectorRSA)
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParseCAKey(data)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		checkX509Agrees(t, key, data)
	})
}
