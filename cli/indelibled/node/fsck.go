package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/cli/indelibled/config"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// Fsck recomputes the log on this node's disk from the bytes of its entries,
// signatures and rules included, and compares every row. It opens for reading
// only and keeps a node from starting meanwhile. What a crash left in the Raft
// log alone is not looked at: a start replays it.
func Fsck(ctx context.Context, cfg config.Config, logs io.Writer, progress func(done, total uint64)) (report *ledger.Report, err error) {
	dir := filepath.Join(cfg.Dir, ledgerDir)
	if _, err := vfs.Default.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoState, err)
	}
	lock, err := lockState(vfs.Default, cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	logger := newLogger(cfg, logs)
	var broken error
	report, err = ledger.FsckDir(ctx, state.Options{
		FS: vfs.Default, Dir: dir, Logger: logger, Broken: func(reason error) { broken = reason },
	}, ledger.Check{
		Verifier: entry.NewVerifier(entry.VerifierConfig{Keys: verifierKeys}), Logger: logger, Progress: progress,
	})
	return report, errors.Join(err, broken)
}

// ErrNoState is a folder in which no node has run yet.
var ErrNoState = errors.New("node: there is no log in this folder")
