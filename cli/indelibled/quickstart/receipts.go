package quickstart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"indelible/api/client"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

// verifyReceipts checks every receipt kept, offline: the policy and the
// statements come from this directory, nothing is asked of the node.
func (s *show) verifyReceipts(ctx context.Context) error {
	if err := s.checkAll(ctx); err != nil {
		return err
	}
	s.summary.Readings = s.summary.Verified
	s.scene("Every receipt verifies offline against the pinned keys: %s, %s",
		count(s.summary.Verified, "reading"), count(s.summary.Others, "other statement"))
	var err error
	s.before, _, err = s.roles[founding.Auditor].Checkpoint(ctx)
	return err
}

// checkAll counts the receipts, which all must hold.
func (s *show) checkAll(ctx context.Context) error {
	s.summary.Verified, s.summary.Others = 0, 0
	verifier := proof.NewVerifier(s.roles[founding.Auditor].Policy())
	for kept, err := range s.work.Receipts.All() {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if _, err := verifier.Verify(kept.Statement, kept.Receipt); err != nil {
			return say.NotProven(err)
		}
		if kept.Statement.Kind == entry.KindReading {
			s.summary.Verified++
		} else {
			s.summary.Others++
		}
	}
	return nil
}

// verifyAgain repeats the check after the erasure and proves that the log only
// grew.
func (s *show) verifyAgain(ctx context.Context) error {
	if err := s.checkAll(ctx); err != nil {
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
	s.summary.Size, s.summary.Root = newest.Checkpoint.Size, newest.Checkpoint.Root.String()
	s.scene("All %d receipts still verify, those of the erased person too, and the log of before is a prefix of the log of now",
		s.summary.Verified+s.summary.Others)
	return s.export(note)
}

// export writes every kept statement and receipt as files of their own, for
// tools that know nothing of this program. They are copies: they need no sync.
func (s *show) export(note []byte) error {
	dir := filepath.Join(s.Dir, exportDir)
	err := os.MkdirAll(dir, 0o700)
	for kept, fault := range s.work.Receipts.All() {
		if err = errors.Join(err, fault); err != nil {
			break
		}
		base := filepath.Join(dir, fmt.Sprintf("%08d", kept.Receipt.Index))
		err = errors.Join(writeOnce(base+client.StatementSuffix, kept.Statement.Bytes()), writeOnce(base+client.ReceiptSuffix, kept.Receipt.Marshal()))
	}
	if err != nil {
		return say.Local(err, "the receipts cannot be exported", "look at the disk")
	}
	return say.LocalIf(os.WriteFile(filepath.Join(dir, "checkpoint"), note, 0o600), "the checkpoint cannot be exported", "look at the disk")
}

// writeOnce writes a file that an earlier run may have written: its content
// never changes, so its size tells whether that was cut short.
func writeOnce(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return nil
	}
	return os.WriteFile(path, data, 0o600)
}
