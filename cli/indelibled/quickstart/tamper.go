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
	for _, a := range alterations(victim.Statement, other) {
		raw := bytes.Replace(victim.Statement.Bytes(), a.old, a.new, 1)
		if bytes.Equal(raw, victim.Statement.Bytes()) {
			return broken("a statement does not hold the bytes it must")
		}
		if err := s.attempt(ctx, victim, a.what, &indeliblev1.Submission{Statement: raw}); err != nil {
			return err
		}
	}
	if err := s.forgeReading(ctx, victim); err != nil {
		return err
	}
	return s.forgeProof(victim, other)
}

// alteration is something a relay between device and node might try.
type alteration struct {
	what     string
	old, new []byte
}

// alterations changes a bit of the digest of a reading's parts, its binding, where
// another one is known, and its log.
func alterations(victim *entry.Statement, other *client.Proven) []alteration {
	digest := *victim.Parts
	digest[0] ^= 1
	list := []alteration{{"a reading with one byte flipped", victim.Parts[:], digest[:]}}
	if other != nil {
		list = append(list, alteration{"a reading re-addressed to another person's binding",
			[]byte(victim.Sub.Binding().String()), []byte(other.Statement.Sub.Binding().String())})
	}
	log := []byte(victim.Log.String())
	return append(list, alteration{"a reading re-addressed to another log", log, bytes.Repeat([]byte("0"), len(log))})
}

// twoReadings finds a reading, and one of another device if there is one.
func (s *show) twoReadings() (victim, other *client.Proven, err error) {
	for kept, err := range s.work.Receipts.All() {
		switch {
		case err != nil:
			return nil, nil, err
		case kept.Statement.Kind != entry.KindReading:
		case victim == nil:
			victim = kept
		case kept.Statement.Author != victim.Statement.Author:
			return victim, kept, nil
		}
	}
	if victim == nil {
		return nil, nil, broken("no receipt of a reading is kept")
	}
	return victim, nil, nil
}

func (s *show) replay(ctx context.Context, victim *client.Proven) error {
	outcome, err := s.roles[founding.Service].Append(ctx, &client.Signed{Statement: victim.Statement})
	if err != nil {
		return err
	}
	if !outcome.Duplicate || outcome.Proven.Receipt.Index != victim.Receipt.Index {
		return broken("a replayed reading got another index")
	}
	s.tell("  the same reading again: known, the same index %d, nothing appended", outcome.Proven.Receipt.Index)
	return nil
}

// attempt hands one statement to the node as the ingest service, as it is.
func (s *show) attempt(ctx context.Context, victim *client.Proven, what string, tried *indeliblev1.Submission) error {
	outcomes, err := s.roles[founding.Service].Send(ctx, victim.Statement.Jurisdiction, []*indeliblev1.Submission{tried})
	switch {
	case err != nil:
		return err
	case len(outcomes) != 1:
		return client.ErrAnswer
	case outcomes[0].GetStatus() != indeliblev1.Outcome_STATUS_REFUSED:
		return broken("an altered statement was taken into the log")
	}
	s.summary.TamperRefused++
	s.tell("  %s: refused, %s", what, client.InOurWords(outcomes[0].GetRefusal()).Code)
	return nil
}

// forgeReading signs a reading about the same person with a key that is not enrolled.
func (s *show) forgeReading(ctx context.Context, victim *client.Proven) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	author, err := client.NewAuthor(key, victim.Statement.Log, time.Now, rand.Reader)
	if err != nil {
		return err
	}
	forged, err := author.Sign(entry.Draft{
		Kind: entry.KindReading, Sub: victim.Statement.Sub, Jurisdiction: victim.Statement.Jurisdiction, Boot: 1, Seq: 1,
	}, map[entry.Class]client.Content{entry.ClassClinical: {
		MediaType: entry.MediaTypeFHIR, Bytes: []byte(`{"resourceType":"Observation","status":"final"}`),
	}})
	if err != nil {
		return err
	}
	return s.attempt(ctx, victim, "a reading signed by a key nobody enrolled", forged.Submission())
}

// forgeProof shows that a receipt is good for its own statement only.
func (s *show) forgeProof(victim, other *client.Proven) error {
	if other == nil {
		return nil
	}
	_, err := proof.Verify(s.roles[founding.Auditor].Policy(), other.Statement, victim.Receipt)
	if err == nil {
		return broken("a receipt verified for a statement it is not for")
	}
	s.summary.TamperRefused++
	s.tell("  a receipt shown for another statement: refused, %v", errors.Unwrap(err))
	return nil
}
