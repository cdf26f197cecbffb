package quickstart

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/indelibled/founding"
	"indelible/ledger/entry"
	"indelible/proof"
)

var (
	errNoReading    = errors.New("no receipt of a reading is kept")
	errReplayed     = errors.New("a replayed reading got another index")
	errTampered     = errors.New("an altered statement was taken into the log")
	errForgedProof  = errors.New("a receipt verified for a statement it is not for")
	errNoSuchBytes  = errors.New("a statement does not hold the bytes it must")
	errNoTwoReading = errors.New("two readings of different devices are needed to show it")
)

// attempt is something a relay between device and node might try.
type attempt struct {
	what string
	make func(victim, other *client.Proven) ([]byte, error)
}

var attempts = []attempt{
	{"a reading with one byte flipped", flipped},
	{"a reading re-addressed to another person's binding", readdressed},
	{"a reading re-addressed to another log", redirected},
}

// tamper replays one reading and then tries to pass off altered ones.
func (s *show) tamper(ctx context.Context) error {
	s.scene("A hostile relay replays a reading, then alters it")
	victim, other, err := s.twoReadings()
	if err != nil {
		return err
	}
	if err := s.replay(ctx, victim); err != nil {
		return err
	}
	for _, a := range attempts {
		raw, err := a.make(victim, other)
		if errors.Is(err, errNoTwoReading) {
			continue
		}
		if err != nil {
			return broken(err)
		}
		if err := s.attempt(ctx, victim, a.what, raw, nil); err != nil {
			return err
		}
	}
	if err := s.forgeReading(ctx, victim); err != nil {
		return err
	}
	return s.forgeProof(victim, other)
}

// forgeReading signs a reading about the same person with a key that is not enrolled.
func (s *show) forgeReading(ctx context.Context, victim *client.Proven) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	device, err := client.NewDevice(client.DeviceConfig{
		Key: key, Log: victim.Statement.Log, Binding: victim.Statement.Sub.Binding(), Jurisdiction: victim.Statement.Jurisdiction,
		State: client.DeviceState{Boot: 1}, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		return err
	}
	forged, err := device.Sign(map[entry.Class]client.Content{entry.ClassClinical: {
		MediaType: entry.MediaTypeFHIR, Bytes: []byte(`{"resourceType":"Observation","status":"final"}`),
	}})
	if err != nil {
		return err
	}
	openings := []*indeliblev1.Opening{{Class: indeliblev1.Class_CLASS_CLINICAL, Opening: forged.Openings[0].Encoded}}
	return s.attempt(ctx, victim, "a reading signed by a key nobody enrolled", forged.Statement.Bytes(), openings)
}

// twoReadings finds a living person's reading in the first jurisdiction that is
// played with, and one of another device if there is one.
func (s *show) twoReadings() (victim, other *client.Proven, err error) {
	for kept, err := range s.receipts.All() {
		if err != nil {
			return nil, nil, err
		}
		if kept.Statement.Kind != entry.KindReading {
			continue
		}
		if victim == nil {
			victim = kept
		} else if kept.Statement.Author != victim.Statement.Author {
			return victim, kept, nil
		}
	}
	if victim == nil {
		return nil, nil, broken(errNoReading)
	}
	return victim, nil, nil
}

// submit hands one statement to the node as the ingest service.
func (s *show) submit(ctx context.Context, jurisdiction string, raw []byte, openings []*indeliblev1.Opening) (*indeliblev1.Outcome, error) {
	outcomes, err := s.roles[founding.Service].Send(ctx, jurisdiction, []*indeliblev1.Submission{{Statement: raw, Openings: openings}})
	if err == nil && len(outcomes) != 1 {
		err = client.ErrAnswer
	}
	if err != nil {
		return nil, err
	}
	return outcomes[0], nil
}

func (s *show) replay(ctx context.Context, victim *client.Proven) error {
	statement := victim.Statement
	outcome, err := s.submit(ctx, statement.Jurisdiction, statement.Bytes(), nil)
	if err != nil {
		return err
	}
	if outcome.GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE || outcome.GetIndex() != victim.Receipt.Index {
		return broken(errReplayed)
	}
	s.tell("  the same reading again: known, the same index %d, nothing appended", outcome.GetIndex())
	return nil
}

func (s *show) attempt(ctx context.Context, victim *client.Proven, what string, raw []byte, openings []*indeliblev1.Opening) error {
	outcome, err := s.submit(ctx, victim.Statement.Jurisdiction, raw, openings)
	if err != nil {
		return err
	}
	if outcome.GetStatus() != indeliblev1.Outcome_STATUS_REFUSED {
		return broken(errTampered)
	}
	s.summary.TamperRefused++
	s.tell("  %s: refused, %s", what, client.InOurWords(outcome.GetRefusal()).Code)
	return nil
}

// forgeProof shows that a receipt is good for its own statement only.
func (s *show) forgeProof(victim, other *client.Proven) error {
	if other == nil {
		return nil
	}
	_, err := proof.Verify(s.roles[founding.Auditor].Policy(), other.Statement, victim.Receipt)
	if err == nil {
		return broken(errForgedProof)
	}
	s.summary.TamperRefused++
	s.tell("  a receipt shown for another statement: refused, %v", errors.Unwrap(err))
	return nil
}

// flipped changes one bit of the digest of the reading's parts.
func flipped(victim, _ *client.Proven) ([]byte, error) {
	return replaced(victim, victim.Statement.Parts[:], func(b []byte) { b[0] ^= 1 })
}

// readdressed puts another binding's id in the place of the reading's own.
func readdressed(victim, other *client.Proven) ([]byte, error) {
	if other == nil {
		return nil, errNoTwoReading
	}
	from, to := victim.Statement.Sub.Binding().String(), other.Statement.Sub.Binding().String()
	return replaced(victim, []byte(from), func(b []byte) { copy(b, to) })
}

// redirected names another log.
func redirected(victim, _ *client.Proven) ([]byte, error) {
	from := victim.Statement.Log.String()
	return replaced(victim, []byte(from), func(b []byte) {
		for i := range b {
			b[i] = '0'
		}
	})
}

func replaced(victim *client.Proven, old []byte, change func([]byte)) ([]byte, error) {
	raw := bytes.Clone(victim.Statement.Bytes())
	at := bytes.Index(raw, old)
	if at < 0 {
		return nil, errNoSuchBytes
	}
	change(raw[at : at+len(old)])
	return raw, nil
}
