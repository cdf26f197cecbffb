package ingest

import (
	"errors"
	"path/filepath"
)

// Work is a working folder: a spool, and the receipts of what has left it.
type Work struct {
	Spool    *Spool
	Receipts *Receipts
}

// The folders in a working folder.
const (
	spoolDir    = "spool"
	ReceiptsDir = "receipts"
)

// OpenWork opens or creates a working folder. The spool's configuration names the
// folder as Dir.
func OpenWork(cfg SpoolConfig) (w *Work, err error) {
	receipts := filepath.Join(cfg.Dir, ReceiptsDir)
	cfg.Dir = filepath.Join(cfg.Dir, spoolDir)
	w = &Work{}
	if w.Spool, err = OpenSpool(cfg); err != nil {
		return nil, err
	}
	if w.Receipts, err = OpenReceipts(receipts); err != nil {
		return nil, errors.Join(err, w.Spool.Close())
	}
	return w, nil
}

// Close closes both.
func (w *Work) Close() error { return errors.Join(w.Receipts.Close(), w.Spool.Close()) }
