package quickstart

import (
	"fmt"
	"os"
	"path/filepath"

	"indelible/cli/say"
)

// The names of exported files: what was signed, and the proof that it is in the
// log (C2SP tlog-proof).
const (
	statementSuffix  = ".cose"
	receiptSuffix    = ".tlog-proof"
	checkpointExport = "checkpoint"
)

// export writes every kept statement and receipt as files of their own, for
// tools that know nothing of this program. They are copies: they need no sync.
func (s *show) export(note []byte) error {
	dir := filepath.Join(s.Dir, exportDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return say.Local(err, "the receipts cannot be exported", "look at the disk")
	}
	write := func(name string, data []byte) error { return writeOnce(filepath.Join(dir, name), data) }
	for kept, err := range s.receipts.All() {
		name := ""
		if err == nil {
			name = fmt.Sprintf("%08d", kept.Receipt.Index)
			err = write(name+statementSuffix, kept.Statement.Bytes())
		}
		if err == nil {
			err = write(name+receiptSuffix, kept.Receipt.Marshal())
		}
		if err != nil {
			return say.Local(err, "the receipts cannot be exported", "look at the disk")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, checkpointExport), note, 0o600); err != nil {
		return say.Local(err, "the checkpoint cannot be exported", "look at the disk")
	}
	return nil
}

// writeOnce writes a file that an earlier run may have written: its content
// never changes, so its size tells whether that was cut short.
func writeOnce(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return nil
	}
	return os.WriteFile(path, data, 0o600)
}
