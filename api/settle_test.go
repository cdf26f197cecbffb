package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"testing"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
	"indelible/raft"
)

// TestWhatIsLoggedIsNotCalledUndone: a node that stops, loses its lead or is
// full says that nothing was changed. Once the log has the statement the
// outcome is unknown instead, and the same bytes find it.
func TestWhatIsLoggedIsNotCalledUndone(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	author, _, err := s.log.Author(s.people["consent-service"].id)
	must(t, err)
	ctx := edge.WithCaller(t.Context(), &edge.Caller{Author: author, Jurisdiction: home})
	whole := s.server.vaults[home]
	for _, cause := range []error{raft.ErrStopped, &raft.NotLeaderError{Leader: "n2"}, &raft.Overloaded{RetryAfter: 1}} {
		document, digest := openings(t, part{entry.ClassIdentity, "text/plain", []byte("I agree")})
		statement := s.people["consent-service"].sign(entry.Draft{
			Kind: entry.KindConsent, Sub: entry.SubOfHandle(d.handle), Jurisdiction: home, Parts: digest,
			Body: &entry.Consent{Action: entry.ConsentWithdraw, Purposes: []entry.Purpose{entry.PurposeHRESCH},
				Regime: entry.RegimeGDPR, Basis: entry.BasisExplicitConsent, From: nowMillis()},
		})
		in := []*indeliblev1.Submission{{Statement: statement.Bytes(), Openings: document}}
		env, size := NewEnv(home, s.log, s.node, s.key, rand.Reader), s.log.Size()
		propose := env.Propose
		env.Propose = func(ctx context.Context, c vault.Command) (vault.Result, error) {
			if s.log.Size() > size {
				return vault.Result{}, cause
			}
			return propose(ctx, c)
		}
		s.server.vaults[home] = s.revault(home, env)
		_, err := s.server.take(ctx, false, in, indeliblev1.Wait_WAIT_PROVEN)
		s.server.vaults[home] = whole
		if _, logged, findErr := s.log.Find(statement.ID()); !logged || findErr != nil {
			t.Fatalf("not logged: %v", findErr)
		}
		e, _ := newEdge(t)
		if refusal := e.Answer(ctx, "/x/Y", err); refusal.Code != entry.CodeOutcomeUnknown {
			t.Errorf("%v is told as %s", err, refusal.Code)
		}
		again, err := s.server.take(ctx, false, in, indeliblev1.Wait_WAIT_PROVEN)
		must(t, err)
		if again[0].GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE {
			t.Fatalf("the same bytes again: %v", again[0])
		}
	}
}

// TestUnsettledKeepsWhatItDoesNotKnow: deadlines, refusals and faults say what
// they are.
func TestUnsettledKeepsWhatItDoesNotKnow(t *testing.T) {
	for _, err := range []error{nil, context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, wire.Refuse(wire.CodeEntryNotFound), raft.ErrBroken} {
		if got := unsettled(err); !errors.Is(got, err) || errors.Is(got, raft.ErrOutcomeUnknown) {
			t.Errorf("%v became %v", err, got)
		}
	}
	var refusal *entry.Refusal
	for _, err := range []error{fmt.Errorf("x: %w", raft.ErrStopped), raft.ErrNotLeader, &raft.Overloaded{}} {
		if got := unsettled(err); !errors.Is(got, raft.ErrOutcomeUnknown) || errors.As(got, &refusal) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// TestStatusNeverPromisesTooMuch: refused says that a statement is not in the
// log, so it is not said of one whose commit nobody knows the outcome of.
func TestStatusNeverPromisesTooMuch(t *testing.T) {
	why := wire.Refuse(entry.CodeOutcomeUnknown)
	for want, w := range map[indeliblev1.Outcome_Status]submission{
		indeliblev1.Outcome_STATUS_UNKNOWN:   {refusal: why, unknown: true},
		indeliblev1.Outcome_STATUS_REFUSED:   {refusal: why},
		indeliblev1.Outcome_STATUS_DUPLICATE: {logged: &ledger.Outcome{Duplicate: true}},
		indeliblev1.Outcome_STATUS_ACCEPTED:  {logged: &ledger.Outcome{}},
	} {
		if got := w.status(); got != want {
			t.Errorf("%+v is told as %s, want %s", w, got, want)
		}
	}
}
