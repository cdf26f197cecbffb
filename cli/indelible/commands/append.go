package commands

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newAppend(a *app) *cobra.Command {
	var key string
	cmd := a.speaks("append FILE.cose…", "Append statements that were signed before",
		`Append signed statements from files, each with the openings beside it (FILE.clinical.opening and so
on). The same bytes are logged once, so this is also how to go on after an interruption. The receipt
is written beside the statement as FILE.tlog-proof.`, cobra.MinimumNArgs(1), func(_ *cobra.Command, files []string) (act, error) {
			var author *entry.PublicKey
			if key != "" {
				spki, err := credential.ReadPublicKey(key)
				if err == nil {
					author, err = entry.ParsePublicKey(spki)
				}
				if err != nil {
					return nil, say.Usage("name a public key in PEM", "--author-key cannot be read: %v", err)
				}
			}
			return func(ctx context.Context, c *client.Caller) error { return a.appendFiles(ctx, c, files, author) }, nil
		})
	cmd.Flags().StringVar(&key, "author-key", "", "public key of the author, PEM: needed only when the log holds another signature of the same statement")
	return cmd
}

func (a *app) appendFiles(ctx context.Context, c *client.Caller, files []string, author *entry.PublicKey) error {
	list := make([]*client.Signed, len(files))
	for i, file := range files {
		var err error
		if list[i], err = readSigned(file); err != nil {
			return err
		}
		list[i].Author = author
	}
	var done []client.Outcome
	for i, signed := range list {
		if !clientsSign(signed.Statement) {
			return errors.Join(say.Usage("only what clients sign can be appended", "a statement of kind %s is not appended by clients", signed.Statement.Kind),
				a.appendedFiles(done))
		}
		outcome, err := c.Append(ctx, signed)
		if err == nil {
			err = credential.WritePublic(strings.TrimSuffix(files[i], client.StatementSuffix)+client.ReceiptSuffix, outcome.Proven.Receipt.Marshal())
		}
		if err != nil {
			return errors.Join(err, a.appendedFiles(done))
		}
		done = append(done, outcome)
	}
	return a.appendedFiles(done)
}

// clientsSign says that a statement is of a kind that nodes do not write.
func clientsSign(s *entry.Statement) bool {
	return s.Kind != entry.KindGenesis && s.Kind != entry.KindAccess && s.Kind != entry.KindIndex
}

func (a *app) appendedFiles(done []client.Outcome) error {
	if len(done) == 0 {
		return nil
	}
	out := []jsonEntry{}
	for _, o := range done {
		out = append(out, toJSON(o))
	}
	return a.Result(out, func(p *say.Page) {
		for _, o := range done {
			showEntry(p, o, "")
		}
	})
}

// maxFile bounds what is read of a file named on the command line, in bytes.
const maxFile = 2 << 20

func readFile(path, what string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Size() > maxFile) {
		return nil, say.Usage("name "+what, "the file %s is not %s", path, what)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
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
		"name the file as it was signed").Because(err)
	var refusal *entry.Refusal
	if errors.As(err, &refusal) {
		p.Code = string(refusal.Code)
	}
	return p
}

// readSigned reads a statement and the openings beside it.
func readSigned(path string) (*client.Signed, error) {
	statement, err := readStatement(path)
	if err != nil {
		return nil, err
	}
	signed := &client.Signed{Statement: statement}
	if err := client.ReadOpenings(path, signed); err != nil {
		return nil, say.Local(err, "an opening cannot be read", "look at the files beside "+path)
	}
	return signed, nil
}
