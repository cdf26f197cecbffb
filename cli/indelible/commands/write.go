package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// written is what a command writes: the statement to sign, and what is said once
// the log holds it.
type written struct {
	draft  entry.Draft
	sealed map[entry.Class]client.Content
	also   jsonEntry // members of the result beside those of every entry
	note   string    // for people; {id} stands for the statement's id
	// complete fills in what only the caller knows, or a node; nil when nothing is
	// missing.
	complete func(context.Context, *client.Caller, *written) error
}

// writes makes a command that writes one statement.
func (a *app) writes(use, short, long string, args cobra.PositionalArgs, parse func([]string) (*written, error)) *cobra.Command {
	if long != "" {
		long = short + ". " + long
	}
	return a.speaks(use, short, long, args, func(_ *cobra.Command, words []string) (act, error) {
		w, err := parse(words)
		return func(ctx context.Context, c *client.Caller) error { return a.write(ctx, c, w) }, err
	})
}

// write signs, appends and prints.
func (a *app) write(ctx context.Context, c *client.Caller, w *written) error {
	if w.complete != nil {
		if err := w.complete(ctx, c, w); err != nil {
			return err
		}
	}
	signed, err := c.Sign(w.draft, w.sealed)
	if err != nil {
		return say.Local(err, "the statement could not be signed", "check what it says, and the size and media type of what is enclosed")
	}
	outcome, err := c.Append(ctx, signed)
	if err != nil {
		return err
	}
	return a.appended(outcome, w)
}

func (a *app) appended(o client.Outcome, w *written) error {
	out := toJSON(o)
	out.Author, out.Binding, out.Handle, out.Jurisdiction = w.also.Author, w.also.Binding, w.also.Handle, w.also.Jurisdiction
	note := strings.ReplaceAll(w.note, "{id}", out.StatementID)
	return a.Result(out, func(p *say.Page) { showEntry(p, o, note) })
}

// sealedCBOR is one sealed part with content of ours.
func sealedCBOR(class entry.Class, content []byte) map[entry.Class]client.Content {
	return map[entry.Class]client.Content{class: {MediaType: entry.MediaTypeCBOR, Bytes: content}}
}

// jsonEntry is a proven entry. The last members are those of commands that make
// something with a name.
type jsonEntry struct {
	StatementID  string `json:"statement_id"`
	Kind         string `json:"kind"`
	Index        uint64 `json:"index"`
	LedgerTime   uint64 `json:"ledger_time_ms"`
	Duplicate    bool   `json:"duplicate,omitempty"`
	Author       string `json:"author,omitempty"`  // by which the log knows an enrolled key; suspend and revoke take it
	Binding      string `json:"binding,omitempty"` // of device bind
	Handle       string `json:"handle,omitempty"`  // of subject register
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

func toJSON(o client.Outcome) jsonEntry {
	s, r := o.Proven.Statement, o.Proven.Receipt
	return jsonEntry{StatementID: s.ID().String(), Kind: s.Kind.String(), Index: r.Index, LedgerTime: r.LedgerTime, Duplicate: o.Duplicate}
}

func showEntry(p *say.Page, o client.Outcome, note string) {
	status := "in the log, proven"
	if o.Duplicate {
		status = "was in the log already, proven"
	}
	s, r := o.Proven.Statement, o.Proven.Receipt
	p.Row("entry", r.Index)
	p.Row("ledger time", clock(r.LedgerTime))
	p.Row("kind", s.Kind)
	p.Row("statement", s.ID())
	p.Row("status", status)
	if note != "" {
		p.Line("%s", note)
	}
}

// clock shows a ledger time.
func clock(ms uint64) string {
	return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// required marks flags without which a command cannot run.
func required(cmd *cobra.Command, names ...string) *cobra.Command {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a name no flag has: a mistake in this program
		}
	}
	return cmd
}

// inJurisdiction declares the flag that names a jurisdiction.
func inJurisdiction(cmd *cobra.Command, into *string, what string) *cobra.Command {
	cmd.Flags().StringVar(into, "jurisdiction", "", "jurisdiction "+what)
	return required(cmd, "jurisdiction")
}

// confirmNote tells what is still missing, and from whom.
func confirmNote(who, group string) string {
	return "It has no effect yet. Another " + who + " has to run:\n  indelible " + group + " confirm {id}"
}

// newConfirm is the second signature under a statement of a kind.
func newConfirm(a *app, kind entry.Kind, short string) *cobra.Command {
	return a.writes("confirm STATEMENT", short, "", cobra.ExactArgs(1), func(args []string) (*written, error) {
		first, err := parseStatementID(args[0])
		return &written{draft: entry.Draft{Kind: kind, Confirms: &first}}, err
	})
}
