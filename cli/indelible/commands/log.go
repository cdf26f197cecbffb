package commands

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

func newGet(a *app) *cobra.Command {
	var out string
	cmd := a.asks("get INDEX|STATEMENT", "Fetch one entry and prove it, as an auditor", cobra.ExactArgs(1),
		func(ctx context.Context, c *client.Caller, args []string) error {
			p, err := fetch(ctx, c, args[0])
			if err != nil {
				return err
			}
			if out != "" {
				if err := client.WriteProven(out, p); err != nil {
					return say.Local(err, "the files cannot be written", "choose another --out")
				}
			}
			return a.Result(toDetail(p), func(page *say.Page) { showDetail(page, p) })
		})
	cmd.Flags().StringVar(&out, "out", "", "base name of files to write: NAME.cose and NAME.tlog-proof")
	return cmd
}

func fetch(ctx context.Context, c *client.Caller, which string) (*client.Proven, error) {
	if index, err := strconv.ParseUint(which, 10, 64); err == nil && len(which) < 2*proof.HashSize {
		return c.Entry(ctx, index)
	}
	id, err := parseStatementID(which)
	if err != nil {
		return nil, err
	}
	return c.EntryOf(ctx, id)
}

// jsonDetail is an entry with what its statement says in clear.
type jsonDetail struct {
	jsonEntry
	Author       string `json:"author"`
	Subject      string `json:"subject,omitempty"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
	IssuedAt     uint64 `json:"issued_at_ms"`
	Boot         uint64 `json:"boot,omitempty"`
	Seq          uint64 `json:"seq,omitempty"`
	Parts        string `json:"parts_digest,omitempty"`
	Confirms     string `json:"confirms,omitempty"`
	// Says is what the statement itself says in clear, by name.
	Says      map[string]string `json:"says,omitempty"`
	Statement string            `json:"statement_hex"`
}

func toDetail(p *client.Proven) jsonDetail {
	s := p.Statement
	out := jsonDetail{
		jsonEntry: toJSON(client.Outcome{Proven: p}), Author: s.Author.String(), Subject: subjectOf(s), Jurisdiction: s.Jurisdiction,
		IssuedAt: s.IssuedAt, Boot: s.Boot, Seq: s.Seq, Statement: hex.EncodeToString(s.Bytes()),
	}
	if s.Parts != nil {
		out.Parts = s.Parts.String()
	}
	if s.Confirms != nil {
		out.Confirms = s.Confirms.String()
	}
	for _, pair := range says(s) {
		if out.Says == nil {
			out.Says = map[string]string{}
		}
		out.Says[strings.ReplaceAll(pair[0], " ", "_")] = pair[1]
	}
	return out
}

// subjectOf is what a statement is about, as it spells it.
func subjectOf(s *entry.Statement) string {
	switch s.Sub.Type {
	case entry.SubBinding:
		return "binding " + s.Sub.Binding().String()
	case entry.SubHandle:
		return "handle " + s.Sub.Handle().String()
	}
	return ""
}

func showDetail(page *say.Page, p *client.Proven) {
	d := toDetail(p)
	showEntry(page, client.Outcome{Proven: p}, "")
	page.Table("author", d.Author)
	page.Row("signed at", clock(d.IssuedAt))
	for _, optional := range [][2]string{
		{"subject", d.Subject}, {"jurisdiction", d.Jurisdiction}, {"sealed parts", d.Parts}, {"confirms", d.Confirms},
	} {
		if optional[1] != "" {
			page.Row(optional[0], optional[1])
		}
	}
	if d.Seq != 0 {
		page.Row("number", fmt.Sprintf("%d in boot %d", d.Seq, d.Boot))
	}
	for _, pair := range says(p.Statement) {
		page.Row(pair[0], pair[1])
	}
}

func newReceipt(a *app) *cobra.Command {
	var out string
	cmd := a.asks("receipt FILE.cose", "Fetch a fresh receipt of a statement you hold, and verify it", cobra.ExactArgs(1),
		func(ctx context.Context, c *client.Caller, args []string) error {
			statement, err := readStatement(args[0])
			if err != nil {
				return err
			}
			if out == "" {
				out = strings.TrimSuffix(args[0], client.StatementSuffix) + client.ReceiptSuffix
			}
			p, err := c.Receipt(ctx, statement)
			if err != nil {
				return err
			}
			if err := credential.WritePublic(out, p.Receipt.Marshal()); err != nil {
				return say.Local(err, "the receipt cannot be written", "choose another --out")
			}
			return a.appended(client.Outcome{Proven: p}, &written{note: "receipt in " + out})
		})
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: FILE.tlog-proof)")
	return cmd
}

// jsonCheckpoint is a verified checkpoint.
type jsonCheckpoint struct {
	Origin     string   `json:"origin"`
	Size       uint64   `json:"size"`
	Root       string   `json:"root"`
	CosignedBy []string `json:"cosigned_by"`
	Grown      bool     `json:"growth_verified,omitempty"`
	File       string   `json:"file,omitempty"`
	Growth     string   `json:"growth_file,omitempty"`
}

func toCheckpoint(v proof.Verified) jsonCheckpoint {
	return jsonCheckpoint{
		Origin: v.Checkpoint.Origin, Size: v.Checkpoint.Size, Root: v.Checkpoint.Root.String(), CosignedBy: v.CosignedBy,
	}
}

func (c jsonCheckpoint) show(p *say.Page) {
	p.Row("log", c.Origin)
	p.Row("entries", c.Size)
	p.Row("root", c.Root)
	p.Row("cosigned by", strings.Join(c.CosignedBy, ", "))
}

func newCheckpoint(a *app) *cobra.Command {
	var out, since, growth string
	var pq bool
	cmd := a.asks("checkpoint", "Fetch and verify the newest checkpoint, and that the log has only grown", cobra.NoArgs,
		func(ctx context.Context, c *client.Caller, _ []string) error {
			if growth != "" && since == "" {
				return say.Usage("name the older checkpoint with --since", "--growth needs --since")
			}
			note, verified, err := c.Checkpoint(ctx)
			if pq && err == nil {
				note, verified, err = c.CheckpointPQ(ctx)
			}
			if err != nil {
				return err
			}
			shown := toCheckpoint(verified)
			if since != "" {
				if err := grown(ctx, c, since, note, growth); err != nil {
					return err
				}
				shown.Grown, shown.Growth = true, growth
			}
			return a.checkpoint(shown, note, out)
		})
	cmd.Flags().StringVar(&out, "out", "", "file to write the signed checkpoint to")
	cmd.Flags().StringVar(&since, "since", "", "older checkpoint: prove that the log has only grown since")
	cmd.Flags().StringVar(&growth, "growth", "", "file to write that proof to, for indelible verify growth")
	cmd.Flags().BoolVar(&pq, "pq", false, "the newest one with ML-DSA-44 cosignatures")
	return cmd
}

func (a *app) checkpoint(c jsonCheckpoint, note []byte, out string) error {
	if out != "" {
		if err := credential.WritePublic(out, note); err != nil {
			return say.Local(err, "the checkpoint cannot be written", "choose another --out")
		}
		c.File = out
	}
	return a.Result(c, func(p *say.Page) {
		c.show(p)
		if c.Grown {
			p.Line("the older log is a prefix of this one")
		}
	})
}

// grown proves growth since a checkpoint kept in a file, and writes the proof.
func grown(ctx context.Context, c *client.Caller, since string, note []byte, out string) error {
	older, err := readFile(since, "a file with a signed checkpoint")
	if err != nil {
		return err
	}
	// The file is this machine's, not the server's: it is judged first, and alone.
	verified, err := c.Policy().VerifyCheckpoint(older)
	if err != nil {
		return notVerified(since, err)
	}
	path, err := c.Growth(ctx, older, note)
	if err != nil || out == "" {
		return err
	}
	return say.LocalIf(credential.WritePublic(out, marshalGrowth(verified.Checkpoint.Size, path, note)),
		"the proof cannot be written", "choose another --growth")
}
