package entry

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// otherFormat is a format that is not a statement: what reads it strictly, one
// good example, and what is wrong with the bad ones.
type otherFormat struct {
	name   string
	read   func([]byte) ([]byte, error) // parses and encodes again
	accept map[string][]byte
	id     func([]byte) string
	refuse []otherRefusal
}

type otherRefusal struct {
	name  string
	code  Code
	bytes []byte
}

func hashID(b []byte) string { return hashOf(b).String() }

func otherVectors(t testing.TB) map[string]vectorFile {
	files := map[string]vectorFile{}
	for _, f := range otherFormats(t) {
		file := vectorFile{Format: f.name}
		for _, name := range slices.Sorted(keysOf(f.accept)) {
			v := acceptVector{Name: name, Bytes: hex.EncodeToString(f.accept[name])}
			if f.id != nil {
				v.ID = f.id(f.accept[name])
			}
			file.Accept = append(file.Accept, v)
		}
		for _, r := range f.refuse {
			file.Refuse = append(file.Refuse, refuseVector{Name: r.name, Code: r.code, Bytes: hex.EncodeToString(r.bytes)})
		}
		files[f.name] = file
	}
	return files
}

func keysOf(m map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestOtherVectors(t *testing.T) {
	for _, f := range otherFormats(t) {
		t.Run(f.name, func(t *testing.T) {
			file := readVectors(t, f.name)
			for _, v := range file.Accept {
				b := unhex(t, v.Bytes)
				again, err := f.read(b)
				if err != nil {
					t.Errorf("%s: %v", v.Name, err)
					continue
				}
				sameBytes(t, v.Name, again, b)
				if f.id != nil && f.id(b) != v.ID {
					t.Errorf("%s: id %s, want %s", v.Name, f.id(b), v.ID)
				}
			}
			for _, v := range file.Refuse {
				_, err := f.read(unhex(t, v.Bytes))
				if err == nil {
					t.Errorf("%s: accepted", v.Name)
				} else if r := requireRefusal(t, err); r.Code != v.Code {
					t.Errorf("%s: %v, want %s", v.Name, r, v.Code)
				}
			}
		})
	}
}

// shapeFaults are faults of any array of ours, made from a good example whose
// first item is a version or anything else of one byte.
func shapeFaults(good []byte) []otherRefusal {
	short := CodeMalformed
	indefinite := append(append([]byte{0x9f}, good[1:]...), 0xff)
	if good[0]>>5 == majorMap {
		indefinite[0] = 0xbf
	}
	return []otherRefusal{
		{"empty", short, nil}, {"a byte more", CodeMalformed, append(bytes.Clone(good), 0)}, {"a byte less", CodeMalformed, good[:len(good)-1]},
		{"tagged", CodeMalformed, append([]byte{0xc1}, good...)}, {"indefinite length", CodeNotCanonical, indefinite},
		{"count in two bytes", CodeNotCanonical, append([]byte{good[0]&0xe0 | 24, good[0] & 31}, good[1:]...)},
		{"a text", CodeMalformed, plant("x")}, {"undefined", CodeMalformed, []byte{0xf7}},
	}
}

func otherFormats(t testing.TB) []otherFormat {
	nonce := vectorHash("nonce")
	content := []byte(`{"resourceType":"Observation","status":"final"}`)
	opening := plant(list{uint64(1), nonce[:], MediaTypeFHIR, content})
	c1, c2 := vectorHash("clinical"), vectorHash("identity")
	parts := plant(pairs{{uint64(1), c1[:]}, {uint64(2), c2[:]}})
	statement := mustSign(t, acceptCases(t, KindReading)[0].draft, vectorEd25519("device")).Bytes()
	leaf := plant(list{uint64(1), uint64(vectorTime), statement})
	formats := []otherFormat{
		{
			"opening", readAgain(ParseOpening, (*Opening).Encode), map[string][]byte{"FHIR": opening, "empty content": plant(list{uint64(1), nonce[:], "text/plain; charset=utf-8", []byte{}})}, hashID,
			append(shapeFaults(opening), []otherRefusal{
				{"version 2", CodeFieldInvalid, plant(list{uint64(2), nonce[:], MediaTypeFHIR, content})},
				{"nonce of 31 bytes", CodeFieldInvalid, plant(list{uint64(1), nonce[:31], MediaTypeFHIR, content})},
				{"media type as bytes", CodeMalformed, plant(list{uint64(1), nonce[:], []byte(MediaTypeFHIR), content})},
				{"media type empty", CodeFieldInvalid, plant(list{uint64(1), nonce[:], "", content})},
				{"media type of 256 bytes", CodeFieldInvalid, plant(list{uint64(1), nonce[:], "text/" + strings.Repeat("x", 251), content})},
				{"media type without a type", CodeFieldInvalid, plant(list{uint64(1), nonce[:], "/plain", content})},
				{"media type without a subtype", CodeFieldInvalid, plant(list{uint64(1), nonce[:], "text/", content})},
				{"media type with a line feed", CodeFieldInvalid, plant(list{uint64(1), nonce[:], "text/\nplain", content})},
				{"content as text", CodeMalformed, plant(list{uint64(1), nonce[:], MediaTypeFHIR, string(content)})},
				{"content null", CodeMalformed, plant(list{uint64(1), nonce[:], MediaTypeFHIR, nil})},
				{"five items", CodeMalformed, plant(list{uint64(1), nonce[:], MediaTypeFHIR, content, nil})},
			}...),
		},
		{
			"parts", readAgain(ParseParts, func(p Parts) ([]byte, error) { return p.Encode(), nil }), map[string][]byte{"clinical and identity": parts, "audit": plant(pairs{{uint64(3), c1[:]}})}, hashID,
			append(shapeFaults(parts), []otherRefusal{
				{"no part", CodeFieldMissing, plant(pairs{})}, {"class 0", CodeUnknownLabel, plant(pairs{{uint64(0), c1[:]}})},
				{"class 5", CodeUnknownLabel, plant(pairs{{uint64(5), c1[:]}})}, {"a class twice", CodeNotCanonical, plant(pairs{{uint64(1), c1[:]}, {uint64(1), c1[:]}})},
				{"classes out of order", CodeNotCanonical, plant(pairs{{uint64(2), c1[:]}, {uint64(1), c1[:]}})}, {"commitment of 16 bytes", CodeFieldInvalid, plant(pairs{{uint64(1), c1[:16]}})},
				{"a text class", CodeUnknownLabel, plant(pairs{{"clinical", c1[:]}})}, {"commitment null", CodeMalformed, plant(pairs{{uint64(1), nil}})},
			}...),
		},
		{
			"leaf", readAgain(parsedLeaf, func(l parsed) ([]byte, error) { return Leaf(l.at, l.statement) }), map[string][]byte{"a reading": leaf, "at time 0": plant(list{uint64(1), uint64(0), statement})},
			func(b []byte) string { return hashID(append([]byte{0}, b...)) },
			append(shapeFaults(leaf), []otherRefusal{
				{"version 2", CodeFieldInvalid, plant(list{uint64(2), uint64(vectorTime), statement})}, {"time negative", CodeMalformed, plant(list{uint64(1), -1, statement})},
				{"statement untagged", CodeMalformed, plant(list{uint64(1), uint64(vectorTime), statement[1:]})}, {"statement empty", CodeMalformed, plant(list{uint64(1), uint64(vectorTime), []byte{}})},
				{"statement not wrapped", CodeMalformed, append(plant(list{uint64(1), uint64(vectorTime), uint64(0)})[:11], statement...)},
				{"two items", CodeMalformed, plant(list{uint64(1), statement})},
			}...),
		},
	}
	return append(append(formats, contentFormats(t)...), certificationFormat(t))
}

type parsed struct {
	at        uint64
	statement []byte
}

func parsedLeaf(b []byte) (parsed, error) {
	at, statement, err := ParseLeaf(b)
	return parsed{at, statement}, err
}

func readAgain[T any](parse func([]byte) (T, error), encode func(T) ([]byte, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		return encode(v)
	}
}

func contentFormats(t testing.TB) []otherFormat {
	h := vectorHash("request")
	low, high := make([]byte, 16), bytes.Repeat([]byte{0xff}, 16)
	identity := plant(list{list{[]byte("leaf"), []byte("issuer")}, []byte("certification")})
	audit := plant(list{"user", "2001:db8::1", "agent/1", list{"clinical"}, h[:], uint64(7)})
	handles := plant(list{low, high})
	target := plant(list{list{low, high}, uint64(1)})
	null, link := plant(nil), plant(high)
	return []otherFormat{
		{
			"content-author", readAgain(ParseAuthorIdentity, AuthorIdentity.EncodeContent), map[string][]byte{"binding key": identity, "fixed key": plant(list{list{[]byte("leaf")}, nil})}, nil,
			append(shapeFaults(identity), []otherRefusal{
				{"no certificate", CodeFieldInvalid, plant(list{list{}, nil})}, {"17 certificates", CodeFieldInvalid, plant(list{slices.Repeat(list{[]byte{1}}, 17), nil})},
				{"certification as text", CodeMalformed, plant(list{list{[]byte{1}}, "x"})}, {"certificate as text", CodeMalformed, plant(list{list{"x"}, nil})},
			}...),
		},
		{
			"content-handle", readAgain(ParseHandleLink, HandleLink.EncodeContent), map[string][]byte{"none": null, "previous": link}, nil,
			[]otherRefusal{
				{"empty", CodeMalformed, nil}, {"15 bytes", CodeFieldInvalid, plant(high[:15])}, {"17 bytes", CodeFieldInvalid, plant(append(bytes.Clone(high), 1))},
				{"null and a byte", CodeMalformed, append(bytes.Clone(null), 0)}, {"a byte more", CodeMalformed, append(bytes.Clone(link), 0)}, {"a byte less", CodeMalformed, link[:16]},
				{"false", CodeMalformed, plant(false)}, {"undefined", CodeMalformed, []byte{0xf7}}, {"text", CodeMalformed, plant(string(low))}, {"length in two bytes", CodeNotCanonical, append([]byte{0x58, 16}, high...)},
				{"an array", CodeMalformed, plant(list{high})},
			},
		},
		{
			"content-access", readAgain(ParseAccessAudit, AccessAudit.EncodeContent), map[string][]byte{"a read": audit, "nobody known": plant(list{"", "", "", list{}, h[:], uint64(0)})}, hashID,
			append(shapeFaults(audit), []otherRefusal{
				{"user not UTF-8", CodeMalformed, plant(list{"\xff", "", "", list{}, h[:], uint64(0)})}, {"user null", CodeMalformed, plant(list{nil, "", "", list{}, h[:], uint64(0)})},
				{"fields as text", CodeMalformed, plant(list{"", "", "", "clinical", h[:], uint64(0)})}, {"request hash of 16 bytes", CodeFieldInvalid, plant(list{"", "", "", list{}, h[:16], uint64(0)})},
				{"guard negative", CodeMalformed, plant(list{"", "", "", list{}, h[:], -1})}, {"five items", CodeMalformed, plant(list{"", "", "", list{}, h[:]})},
			}...),
		},
		{
			"content-erasure", readAgain(ParseHandleList, HandleList.EncodeContent), map[string][]byte{"two handles": handles, "one handle": plant(list{low})}, nil,
			append(shapeFaults(handles), []otherRefusal{
				{"no handle", CodeFieldInvalid, plant(list{})}, {"not sorted", CodeNotCanonical, plant(list{high, low})}, {"a handle twice", CodeNotCanonical, plant(list{low, low})},
				{"a handle of 15 bytes", CodeFieldInvalid, plant(list{low[:15]})}, {"a handle null", CodeMalformed, plant(list{nil})},
			}...),
		},
		{
			"content-hold", readAgain(ParseHoldTarget, HoldTarget.EncodeContent), map[string][]byte{"clinical": target, "audit": plant(list{list{low}, uint64(3)})}, nil,
			append(shapeFaults(target), []otherRefusal{
				{"no handle", CodeFieldInvalid, plant(list{list{}, uint64(1)})}, {"not sorted", CodeNotCanonical, plant(list{list{high, low}, uint64(1)})},
				{"class 0", CodeUnknownCode, plant(list{list{low}, uint64(0)})}, {"class 5", CodeUnknownCode, plant(list{list{low}, uint64(5)})}, {"class missing", CodeMalformed, plant(list{list{low}})},
			}...),
		},
	}
}

// certificationFormat reads certifications of one binding key for one handle by
// one identity key.
func certificationFormat(t testing.TB) otherFormat {
	identity, binding, h := vectorEd25519("identity"), spkiOf(t, vectorEd25519("binding key")), Handle(vectorID("handle"))
	kid := publicOf(t, identity).Author()
	sign := func(key crypto.Signer, header pairs, payload []byte) []byte {
		raw, err := signSign1(nil, key, publicOf(t, key), plant(header), payload)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	header := func() pairs {
		return pairs{{uint64(1), -8}, {uint64(4), kid[:]}, {uint64(16), typCertification}}
	}
	with := func(n int64, v any) pairs { p := header(); p.set(n, v); return p }
	payload := certified(binding, h)
	good := sign(identity, header(), payload)
	without := header()
	without.drop(4)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-40] ^= 1
	other := Handle(vectorID("other handle"))
	return otherFormat{
		"certification",
		func(b []byte) ([]byte, error) { return b, VerifyCertification(b, identity.Public(), binding, h) },
		map[string][]byte{"with kid": good, "without kid": sign(identity, without, payload)}, nil,
		[]otherRefusal{
			{"empty", CodeMalformed, nil}, {"untagged", CodeMalformed, good[1:]}, {"a byte more", CodeMalformed, append(bytes.Clone(good), 0)},
			{"typ of a statement", CodeFieldInvalid, sign(identity, with(16, "application/indelible.reading+cose"), payload)},
			{"crit", CodeCritRefused, sign(identity, with(2, list{uint64(16)}), payload)},
			{"x5chain", CodeUnknownLabel, sign(identity, with(33, []byte{1}), payload)},
			{"alg ES256 under an Ed25519 key", CodeWrongAlgorithm, sign(identity, with(1, -7), payload)},
			{"kid of another key", CodeBadCertification, sign(identity, with(4, make([]byte, 32)), payload)},
			{"by another key", CodeBadSignature, sign(vectorEd25519("thief"), header(), payload)},
			{"for another handle", CodeBadCertification, sign(identity, header(), certified(binding, other))},
			{"for another binding key", CodeBadCertification, sign(identity, header(), certified(spkiOf(t, vectorEd25519("other binding key")), h))},
			{"handle missing", CodeBadCertification, sign(identity, header(), binding)},
			{"signature flipped", CodeBadSignature, flipped},
			{"longer than 512 bytes", CodeTooLarge, append(bytes.Clone(good), make([]byte, 512)...)},
		},
	}
}
