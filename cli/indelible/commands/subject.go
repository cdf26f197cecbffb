package commands

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newSubject(a *app) *cobra.Command {
	return say.Group("subject", "Register people, and find them by an identifier", newSubjectRegister(a), newSubjectFind(a))
}

// registerFlags are the command line of subject register.
type registerFlags struct {
	identifiers                  []string
	jurisdiction, class, request string
}

func newSubjectRegister(a *app) *cobra.Command {
	var f registerFlags
	cmd := a.speaks("register --identifier ID… --jurisdiction J", "Register a subject: give it a random handle in the log",
		`Register a subject, as a registrar. The identifiers never enter the log: they lie in the vault of
the jurisdiction, under keys that an erasure destroys. The log knows the subject by a random handle.

An identifier of - is read from standard input, one line, and so stays out of the list of processes
and of a shell's history.`, cobra.NoArgs, func(cmd *cobra.Command, _ []string) (act, error) {
			class, err := entry.ParseHandleClass(f.class)
			if err != nil || class == entry.HandleStaff {
				return nil, say.Usage("see indelible subject register --help", "--class is subject, device or organisation")
			}
			f.identifiers, err = each(func(text string) (string, error) { return identifier(cmd, text) }, f.identifiers)
			return func(ctx context.Context, c *client.Caller) error { return a.register(ctx, c, f, class) }, err
		})
	cmd.Flags().StringArrayVar(&f.identifiers, "identifier", nil, "what the subject can be found by, such as mrn|12345 (repeat)")
	cmd.Flags().StringVar(&f.jurisdiction, "jurisdiction", "", "jurisdiction that holds the subject's data")
	cmd.Flags().StringVar(&f.class, "class", "subject", "subject, device or organisation")
	cmd.Flags().StringVar(&f.request, "request", "", "request id of an attempt that was interrupted")
	return required(cmd, "identifier", "jurisdiction")
}

// maxIdentifier bounds an identifier in bytes, as the server does.
const maxIdentifier = 256

// fromInput stands for an identifier that is read from standard input.
const fromInput = "-"

// identifier takes one from the command line, or a line of standard input: what
// stands on a command line stands in the list of processes and in a shell's history.
// What a server would refuse is refused here, and never repeated: it is a person's.
func identifier(cmd *cobra.Command, text string) (string, error) {
	if text == fromInput {
		line, err := bufio.NewReaderSize(io.LimitReader(cmd.InOrStdin(), maxIdentifier+2), maxIdentifier+2).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", say.Local(err, "standard input cannot be read", "give the identifier there, on a line")
		}
		text = strings.TrimRight(line, "\r\n")
	}
	if text == "" || len(text) > maxIdentifier {
		return "", say.Usage(fmt.Sprintf("give one of 1 to %d bytes, such as mrn|12345", maxIdentifier), "an identifier is empty or too long")
	}
	return text, nil
}

func (a *app) register(ctx context.Context, c *client.Caller, f registerFlags, class entry.HandleClass) error {
	request, err := a.requestID(c, f.request)
	if err != nil {
		return err
	}
	h, err := c.Register(ctx, f.jurisdiction, request, class, f.identifiers)
	if err != nil {
		return err
	}
	content, err := (&entry.HandleLink{}).EncodeContent() // it has no predecessor
	if err != nil {
		return say.Local(err, "the handle cannot be opened", "try again")
	}
	return a.write(ctx, c, &written{
		draft: entry.Draft{
			Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: f.jurisdiction,
			Body: &entry.HandleChange{Action: entry.ActionOpen, Class: class, At: c.Now()},
		},
		sealed: sealedCBOR(entry.ClassIdentity, content),
		also:   jsonEntry{Handle: h.String(), Jurisdiction: f.jurisdiction},
		note:   "The log knows the subject as handle " + h.String() + " in " + f.jurisdiction + ".",
	})
}

// requestID takes up an interrupted attempt or begins one, and says how to take
// it up.
func (a *app) requestID(c *client.Caller, text string) (id entry.RequestID, err error) {
	if text != "" {
		if id, err = entry.ParseRequestID(text); err != nil {
			err = say.Usage("give the 32 hexadecimal digits that were printed", "--request is not a request id")
		}
		return id, err
	}
	if err := c.Draw(id[:]); err != nil {
		return id, say.Local(err, "no randomness for a request id", "try again")
	}
	a.Remark("If this is interrupted, run it again with --request %s", hex.EncodeToString(id[:]))
	return id, nil
}

func newSubjectFind(a *app) *cobra.Command {
	var jurisdiction, purpose string
	cmd := a.speaks("find IDENTIFIER --jurisdiction J --purpose P", "Find a subject's handle by an identifier",
		`Find a subject. The lookup is an entry in the log before it is answered, whether it finds anyone or
not. An IDENTIFIER of - is read from standard input. Purposes: `+purposes+`.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) (act, error) {
			p, err := parsePurpose(purpose)
			if err != nil {
				return nil, err
			}
			who, err := identifier(cmd, args[0])
			return func(ctx context.Context, c *client.Caller) error {
				found, err := c.Find(ctx, jurisdiction, who, p)
				if err != nil {
					return err
				}
				return a.found(found)
			}, err
		})
	cmd.Flags().StringVar(&purpose, "purpose", "", "what for")
	return required(inJurisdiction(cmd, &jurisdiction, "to look in"), "purpose")
}

// jsonFound is the answer to a lookup; handle is empty when nothing was found.
type jsonFound struct {
	Found  bool      `json:"found"`
	Handle string    `json:"handle,omitempty"`
	Access jsonEntry `json:"access"`
}

func (a *app) found(f *client.Found) error {
	out := jsonFound{Found: f.Known, Access: toJSON(client.Outcome{Proven: f.Access})}
	answer := "nobody"
	if f.Known {
		out.Handle = f.Handle.String()
		answer = out.Handle
	}
	err := a.Result(out, func(p *say.Page) {
		p.Row("handle", answer)
		p.Row("recorded as", fmt.Sprintf("access entry %d", f.Access.Receipt.Index))
	})
	if err == nil && !f.Known {
		return say.Refused("NOT_FOUND", "the identifier finds nobody in this jurisdiction", "nothing was returned",
			"check spelling and jurisdiction; an erased person cannot be found either")
	}
	return err
}
