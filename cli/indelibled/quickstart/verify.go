package quickstart

import (
	"context"

	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

// verified counts receipts that held.
type verified struct{ readings, others int }

// verifyReceipts checks every receipt kept, offline: the policy and the
// statements come from this directory, nothing is asked of the node.
func (s *show) verifyReceipts(ctx context.Context) error {
	n, err := s.checkAll(ctx)
	if err != nil {
		return err
	}
	s.summary.Readings, s.summary.Verified, s.summary.Others = n.readings, n.readings, n.others
	s.scene("Every receipt verifies offline against the pinned keys: %s, %s",
		count(n.readings, "reading"), count(n.others, "other statement"))
	note, _, err := s.roles[founding.Auditor].Checkpoint(ctx)
	s.before = note
	return err
}

func (s *show) checkAll(ctx context.Context) (verified, error) {
	var n verified
	verifier := proof.NewVerifier(s.roles[founding.Auditor].Policy())
	for kept, err := range s.receipts.All() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return n, err
		}
		if _, err := verifier.Verify(kept.Statement, kept.Receipt); err != nil {
			return n, say.NotProven(err)
		}
		if kept.Statement.Kind == entry.KindReading {
			n.readings++
		} else {
			n.others++
		}
	}
	return n, nil
}

// verifyAgain repeats the check after the erasure and proves that the log only
// grew.
func (s *show) verifyAgain(ctx context.Context) error {
	n, err := s.checkAll(ctx)
	if err != nil {
		return err
	}
	auditor := s.roles[founding.Auditor]
	note, newest, err := auditor.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if _, err := auditor.Growth(ctx, s.before, note); err != nil {
		return err
	}
	s.summary.Verified, s.summary.Others = n.readings, n.others
	s.summary.Size, s.summary.Root = newest.Checkpoint.Size, newest.Checkpoint.Root.String()
	s.scene("All %d receipts still verify, those of the erased person too, and the log of before is a prefix of the log of now",
		n.readings+n.others)
	return s.export(note)
}
