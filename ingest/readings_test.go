package ingest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

const canary = "CANARY-7f3a-heart-rate"

// newDevice makes a device of a log with a fresh key.
func newDevice(t testing.TB, log entry.LogID, jurisdiction string) *client.Device {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newDeviceOf(t, log, jurisdiction, key, client.DeviceState{Boot: 1})
}

func newDeviceOf(t testing.TB, log entry.LogID, jurisdiction string, key crypto.Signer, state client.DeviceState) *client.Device {
	t.Helper()
	d, err := client.NewDevice(client.DeviceConfig{
		Key: key, Log: log, Binding: entry.BindingID{1}, Jurisdiction: jurisdiction,
		State: state, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sign makes one small reading whose content holds the canary and n.
func sign(t testing.TB, d *client.Device, n int) *client.Signed {
	t.Helper()
	s, err := d.Sign(Reading{Clinical: client.Content{MediaType: "text/plain", Bytes: fmt.Appendf(nil, "%s %d", canary, n)}}.Parts())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDeviceSignsAChain(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log := entry.LogID{9}
	for _, key := range []crypto.Signer{p256, ed} {
		d := newDeviceOf(t, log, "eu", key, client.DeviceState{Boot: 3})
		var prev *entry.StatementID
		for seq := uint64(1); seq <= 20; seq++ {
			original := []byte(`{"resourceType":"Observation","id":"x","subject":{"reference":"Patient/1"},"valueInteger":60}`)
			reading, subject, err := ObservationReading(original)
			if err != nil || subject != "Patient/1" {
				t.Fatal(subject, err)
			}
			signed, err := d.Sign(reading.Parts())
			if err != nil {
				t.Fatal(err)
			}
			s := signed.Statement
			if s.Boot != 3 || s.Seq != seq || s.Log != log || s.Jurisdiction != "eu" || s.Sub.Binding() != (entry.BindingID{1}) {
				t.Fatalf("statement %d says %+v", seq, s)
			}
			if (prev == nil) != (s.Prev == nil) || (prev != nil && *prev != *s.Prev) {
				t.Fatal("prev does not name the statement before")
			}
			if err := s.Verify(d.Author()); err != nil {
				t.Fatal(err)
			}
			if _, err := entry.Parse(s.Bytes()); err != nil { // a high s is refused here
				t.Fatal(err)
			}
			commitments := map[entry.Class]entry.Hash{}
			for _, o := range signed.Openings {
				commitments[o.Class] = entry.Commit(o.Encoded)
			}
			parts, err := entry.NewParts(commitments)
			if err != nil {
				t.Fatal(err)
			}
			if len(commitments) != 2 || *s.Parts != parts.Digest() {
				t.Fatal("the openings do not open what was signed")
			}
			id := s.ID()
			prev = &id
			_, value := journaled(d)
			state, err := decodeDeviceState(value)
			if err != nil || state.Boot != 3 || state.Seq != seq || *state.Prev != id {
				t.Fatalf("journaled state is %+v, %v", state, err)
			}
		}
	}
}

// A library that does not normalise gives s above n/2 half of the time.
func TestDeviceNormalisesSignatures(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := newDeviceOf(t, entry.LogID{1}, "eu", key, client.DeviceState{Boot: 1})
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	for n := range 40 {
		raw := sign(t, d, n).Statement.Signature()
		if new(big.Int).SetBytes(raw[32:]).Cmp(half) > 0 {
			t.Fatal("s is above n/2")
		}
	}
}

func TestDeviceStateIsStrict(t *testing.T) {
	for _, value := range [][]byte{nil, {1}, {0, 1}, {1, 1, 7}, append([]byte{1, 1}, make([]byte, 33)...)} {
		if _, err := decodeDeviceState(value); err == nil {
			t.Errorf("%x is accepted", value)
		}
	}
	if s := client.NextBoot(4); s.Boot != 5 || s.Seq != 0 || s.Prev != nil {
		t.Errorf("next boot is %+v", s)
	}
}

func TestDeviceConfigReportsAllFaults(t *testing.T) {
	err := client.DeviceConfig{}.Validate()
	for _, want := range []string{"Key", "Log", "Binding", "Jurisdiction", "Boot", "Now", "Rand"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}

func TestHealthInformationDoesNotPrint(t *testing.T) {
	d := newDevice(t, entry.LogID{1}, "eu")
	signed := sign(t, d, 1)
	reading := Reading{Clinical: client.Content{Bytes: []byte(canary)}, Identity: &client.Content{Bytes: []byte(canary)}}
	var out bytes.Buffer
	values := []any{signed, *signed, signed.Openings, signed.Openings[0], reading, &reading, reading.Clinical, reading.Identity,
		DeadLetter{Signed: signed}, &DeadLetter{Signed: signed}, Batch{Readings: []*client.Signed{signed}}, struct{ S *client.Signed }{signed}, []client.Content{reading.Clinical}, map[string]client.Opening{"x": signed.Openings[0]}}
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		logger.Info("x", slog.Any("v", v))
	}
	for _, spelling := range []string{canary, fmt.Sprintf("%x", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]"),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(canary)), "=")[:20]} {
		if bytes.Contains(out.Bytes(), []byte(spelling)) {
			t.Errorf("the canary is printed as %s", spelling)
		}
	}
}

func newP256Device(t testing.TB, log entry.LogID) (*client.Device, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newDeviceOf(t, log, "eu", key, client.DeviceState{Boot: 1}), key
}

// resign signs what a statement says once more: the same id, another signature.
func resign(t testing.TB, s *client.Signed, key crypto.Signer) *entry.Statement {
	t.Helper()
	old := s.Statement
	twin, err := entry.Draft{
		Kind: old.Kind, Sub: old.Sub, Log: old.Log, IssuedAt: old.IssuedAt, Jurisdiction: old.Jurisdiction,
		Boot: old.Boot, Seq: old.Seq, Prev: old.Prev, Parts: old.Parts,
	}.Sign(rand.Reader, key)
	if err != nil {
		t.Fatal(err)
	}
	return twin
}
