package entry

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"indelible/test/seed"
)

func TestOpeningRoundTrip(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 200 {
		content := make([]byte, c.number(0, 70_000))
		c.fill(content)
		o, err := NewOpening(c.reader(), MediaTypeFHIR, content)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := o.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseOpening(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got.Nonce != o.Nonce || got.MediaType != o.MediaType || !bytes.Equal(got.Content, content) {
			t.Fatal("another opening came back")
		}
		if Commit(encoded) != hashOf(encoded) {
			t.Fatal("the commitment is not the SHA-256")
		}
		sameBytes(t, "opening by fxamacker/cbor", second(t, []any{1, o.Nonce[:], o.MediaType, content}), encoded)
	}
}

// reader reads from the test's generator.
func (c chance) reader() io.Reader { return chanceReader{c} }

type chanceReader struct{ chance }

func (r chanceReader) Read(p []byte) (int, error) { r.fill(p); return len(p), nil }

func TestOpeningSizeLimit(t *testing.T) {
	overhead := 1 + 1 + 2 + NonceSize + 2 + len(MediaTypeFHIR) - 1 + 5
	fits := &Opening{MediaType: MediaTypeFHIR, Content: make([]byte, MaxOpening-overhead)}
	encoded, err := fits.Encode()
	if err != nil || len(encoded) != MaxOpening {
		t.Fatalf("%d bytes, %v; want %d", len(encoded), err, MaxOpening)
	}
	if _, err := ParseOpening(encoded); err != nil {
		t.Fatal(err)
	}
	larger := &Opening{MediaType: MediaTypeFHIR, Content: make([]byte, MaxOpening-overhead+1)}
	if _, err := larger.Encode(); codeOf(err) != CodeTooLarge {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := ParseOpening(append(encoded, 0)); codeOf(err) != CodeTooLarge {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := NewOpening(rand.Reader, MediaTypeFHIR, make([]byte, MaxOpening)); codeOf(err) != CodeTooLarge {
		t.Errorf("too much content: %v", err)
	}
}

func TestNonceComesFromTheReaderOnly(t *testing.T) {
	broken := errors.New("no entropy")
	if _, err := NewOpening(failingReader{broken}, MediaTypeFHIR, nil); !errors.Is(err, broken) {
		t.Errorf("an opening without a nonce: %v", err)
	}
	o, err := NewOpening(bytes.NewReader(bytes.Repeat([]byte{7}, NonceSize)), MediaTypeFHIR, nil)
	if err != nil || o.Nonce != [NonceSize]byte(bytes.Repeat([]byte{7}, NonceSize)) {
		t.Errorf("nonce %x, error %v", o.Nonce, err)
	}
	if _, err := NewOpening(bytes.NewReader(make([]byte, NonceSize-1)), MediaTypeFHIR, nil); err == nil {
		t.Error("a short nonce was taken")
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// TestSealedContentDoesNotPrint: P6. No way of printing shows what is inside,
// behind a pointer, in a slice or in another struct either.
func TestSealedContentDoesNotPrint(t *testing.T) {
	const canary = "CANARY-4711"
	opening := Opening{MediaType: canary, Content: []byte(canary)}
	audit := AccessAudit{User: canary, IP: canary, UserAgent: canary, Fields: []string{canary}}
	identity := AuthorIdentity{Chain: [][]byte{[]byte(canary)}, Certification: []byte(canary)}
	values := []any{
		opening, &opening, []Opening{opening}, struct{ O *Opening }{&opening}, map[Class]*Opening{1: &opening},
		audit, &audit, []AccessAudit{audit}, identity, &identity, struct{ I AuthorIdentity }{identity},
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			requireNoCanary(t, canary, fmt.Sprintf(verb, v))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("record", slog.Any("value", v))
		}
		requireNoCanary(t, canary, log.String())
		if j, err := json.Marshal(v); err == nil {
			requireNoCanary(t, canary, string(j))
		}
		requireNoCanary(t, canary, fmt.Errorf("step: %v", v).Error())
	}
}

func requireNoCanary(t *testing.T, canary, s string) {
	t.Helper()
	lower := strings.ToLower(s)
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary)), "Q0FOQVJZLTQ3MTE"} {
		if strings.Contains(lower, strings.ToLower(form)) {
			t.Errorf("printed: %s", s)
		}
	}
}

// TestRefusalsHoldNoInput: whatever text an attacker puts into a statement, no
// refusal repeats it.
func TestRefusalsHoldNoInput(t *testing.T) {
	const canary = "CANARY-4711"
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		d, key := c.draft(t, kind)
		s := mustSign(t, d, key)
		base := newForge(t, s, key)
		for i := range base.header {
			for _, v := range []any{canary, []byte(canary), list{canary}, pairs{{canary, canary}}} {
				f := newForge(t, s, key)
				if f.header[i].key == label(headerClaims) {
					f.claims = v
				}
				f.header[i].value = v
				refuseWithoutCanary(t, canary, f)
			}
		}
		for i := range base.claims.(pairs) {
			f := newForge(t, s, key)
			f.claims.(pairs)[i].value = canary
			refuseWithoutCanary(t, canary, f)
		}
		for i := range base.fields {
			f := newForge(t, s, key)
			f.fields[i].value = canary
			refuseWithoutCanary(t, canary, f)
		}
		f := newForge(t, s, key)
		f.header.set(headerTyp, typPrefix+canary+typSuffix)
		refuseWithoutCanary(t, canary, f)
	}
}

func refuseWithoutCanary(t *testing.T, canary string, f *forge) {
	t.Helper()
	s, err := Parse(f.bytes())
	if err != nil {
		requireNoCanary(t, canary, requireRefusal(t, err).Error())
		return
	}
	if g, ok := s.Body.(*Genesis); !ok || g.Origin != canary { // the one text that may say anything
		t.Errorf("%s: accepted with a canary in it", s.Kind)
	}
}
