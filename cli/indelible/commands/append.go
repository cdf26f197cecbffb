package commands

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

func newAppend(a *app) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "append FILE.cose…",
		Short: "Append statements that were signed before",
		Long: `Append signed statements from files, each with the openings beside it (FILE.clinical.opening and so
on). The same bytes are logged once, so this is also how to go on after an interruption. The receipt
is written beside the statement as FILE.tlog-proof.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var author *entry.PublicKey
			if key != "" {
				spki, err := credential.ReadPublicKey(key)
				if err == nil {
					author, err = entry.ParsePublicKey(spki)
				}
				if err != nil {
					return say.Usage("name a public key in PEM", "--author-key cannot be read: %v", err)
				}
			}
			return a.with(func(s *session.Session) error { return a.appendFiles(cmd, s, args, author) })
		},
	}
	cmd.Flags().StringVar(&key, "author-key", "", "public key of the author, PEM: needed only when the log holds another signature of the same statement")
	return cmd
}

func (a *app) appendFiles(cmd *cobra.Command, s *session.Session, files []string, author *entry.PublicKey) error {
	list := make([]*ingest.Signed, len(files))
	for i, file := range files {
		var err error
		if list[i], err = readSigned(file); err != nil {
			return err
		}
		list[i].Author = author
	}
	done := []jsonEntry{}
	var entries []*session.Entry
	for i, signed := range list {
		e, err := s.Resend(cmd.Context(), signed)
		if err == nil {
			err = credential.WritePublic(strings.TrimSuffix(files[i], statementSuffix)+receiptSuffix, e.Receipt.Marshal())
		}
		if err != nil {
			return errors.Join(err, a.appendedFiles(done, entries))
		}
		done, entries = append(done, toJSON(e)), append(entries, e)
	}
	return a.appendedFiles(done, entries)
}

func (a *app) appendedFiles(done []jsonEntry, entries []*session.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	return a.Result(done, func(w io.Writer) error {
		for _, e := range entries {
			if err := writeEntry(w, e, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxFile bounds what is read of a file named on the command line, in bytes.
const maxFile = 2 << 20

func readFile(path, what string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, say.Usage("name "+what, "the file %s cannot be read: %s", path, say.Reason(err))
	}
	if info.IsDir() || info.Size() > maxFile {
		return nil, say.Usage("name "+what, "the file %s is not %s", path, what)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, say.Usage("name "+what, "the file %s cannot be read: %s", path, say.Reason(err))
	}
	return raw, nil
}

// readStatement reads a signed statement. A foreign ES256 signature with the
// larger s is brought into the form the log keeps (FORMATS §1).
func readStatement(path string) (*entry.Statement, error) {
	raw, err := readFile(path, "a file with a signed statement")
	if err != nil {
		return nil, err
	}
	normal, err := entry.NormalizeSignature(raw)
	if err != nil {
		normal = raw // it says itself what is wrong with it
	}
	statement, err := entry.Parse(normal)
	if err != nil {
		return nil, statementProblem(path, err)
	}
	return statement, nil
}

func statementProblem(path string, err error) error {
	p := say.Refused("MALFORMED", "the file "+path+" is not a statement: "+err.Error(), "nothing was sent or verified",
		"name the file as it was signed")
	p.Err = err
	var refusal *entry.Refusal
	if errors.As(err, &refusal) {
		p.Code = string(refusal.Code)
	}
	return p
}

// readSigned reads a statement and the openings beside it.
func readSigned(path string) (*ingest.Signed, error) {
	statement, err := readStatement(path)
	if err != nil {
		return nil, err
	}
	signed := &ingest.Signed{Statement: statement}
	base := strings.TrimSuffix(path, statementSuffix)
	for class := entry.ClassClinical; class <= entry.ClassSeries; class++ {
		raw, err := os.ReadFile(base + "." + class.String() + openingSuffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, say.Local(err, "an opening cannot be read", "look at the files beside "+path)
		}
		signed.Openings = append(signed.Openings, ingest.Opening{Class: class, Encoded: raw})
	}
	return signed, nil
}
