package commands

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// The names of kept files: <name>.cose is what was signed, <name>.tlog-proof
// the proof that it is in the log, <name>.<class>.opening what opens its sealed
// parts.
const (
	statementSuffix = ".cose"
	receiptSuffix   = ".tlog-proof"
	openingSuffix   = ".opening"
)

// jsonEntry is a proven entry.
type jsonEntry struct {
	StatementID string `json:"statement_id"`
	Kind        string `json:"kind"`
	Index       uint64 `json:"index"`
	LedgerTime  uint64 `json:"ledger_time_ms"`
	Duplicate   bool   `json:"duplicate,omitempty"`
}

func toJSON(e *session.Entry) jsonEntry {
	return jsonEntry{
		StatementID: e.Statement.ID().String(), Kind: e.Statement.Kind.String(),
		Index: e.Index, LedgerTime: e.LedgerTime, Duplicate: e.Duplicate,
	}
}

// appended prints an entry and keeps its receipt.
func (a *app) appended(e *session.Entry, note string) error {
	if err := a.keepReceipt(e); err != nil {
		return err
	}
	return a.Result(toJSON(e), func(w io.Writer) error { return writeEntry(w, e, note) })
}

func writeEntry(w io.Writer, e *session.Entry, note string) error {
	status := "in the log, proven"
	if e.Duplicate {
		status = "was in the log already, proven"
	}
	err := say.Pairs(w,
		[2]string{"entry", strconv.FormatUint(e.Index, 10)},
		[2]string{"ledger time", clock(e.LedgerTime)},
		[2]string{"kind", e.Statement.Kind.String()},
		[2]string{"statement", e.Statement.ID().String()},
		[2]string{"status", status})
	if err == nil && note != "" {
		_, err = fmt.Fprintln(w, note)
	}
	return err
}

// clock shows a ledger time.
func clock(ms uint64) string {
	return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// keepSigned writes what was signed before it is sent, when --keep asks for it.
func (a *app) keepSigned(signed *ingest.Signed) error {
	if a.settings.Keep == "" {
		return nil
	}
	return writeSigned(filepath.Join(a.settings.Keep, signed.Statement.ID().String()), signed)
}

// writeSigned writes a statement and its openings under a base name. Openings
// open health data: only their owner may read them.
func writeSigned(base string, signed *ingest.Signed) error {
	for _, o := range signed.Openings {
		if err := credential.WriteSecret(base+"."+o.Class.String()+openingSuffix, o.Encoded); err != nil {
			return say.Local(err, "an opening cannot be kept", "look at the folder; nothing was sent")
		}
	}
	if err := credential.WritePublic(base+statementSuffix, signed.Statement.Bytes()); err != nil {
		return say.Local(err, "the statement cannot be kept", "look at the folder; nothing was sent")
	}
	return nil
}

// keepStatement is keepSigned for a statement with nothing sealed.
func (a *app) keepStatement(s *entry.Statement) error {
	return a.keepSigned(&ingest.Signed{Statement: s})
}

// keepReceipt writes the receipt beside what was signed.
func (a *app) keepReceipt(e *session.Entry) error {
	if a.settings.Keep == "" {
		return nil
	}
	base := filepath.Join(a.settings.Keep, e.Statement.ID().String())
	if err := credential.WritePublic(base+receiptSuffix, e.Receipt.Marshal()); err != nil {
		return say.Local(err, "the entry is in the log, but its receipt cannot be kept", "fetch it with indelible receipt")
	}
	return nil
}

// parseStatementID reads a statement id from the command line.
func parseStatementID(text string) (entry.StatementID, error) {
	id, err := entry.ParseStatementID(text)
	if err != nil {
		return id, say.Usage("give the 64 lower-case hexadecimal digits that were printed for it", "this is not a statement id")
	}
	return id, nil
}

// parseHandle reads a handle from the command line.
func parseHandle(text string) (entry.Handle, error) {
	h, err := entry.ParseHandle(text)
	if err != nil {
		return h, say.Usage("give the 32 lower-case hexadecimal digits that were printed for it", "this is not a handle")
	}
	return h, nil
}

// parseAuthorID reads an author id from the command line.
func parseAuthorID(text string) (entry.AuthorID, error) {
	id, err := entry.ParseAuthorID(text)
	if err != nil {
		return id, say.Usage("give the 64 lower-case hexadecimal digits that were printed for it", "this is not an author id")
	}
	return id, nil
}
