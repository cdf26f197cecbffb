package commands

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/indelible/logcheck"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

// logFlags are the command line of verify log.
type logFlags struct {
	dir, save string
	tiles     bool
}

func newVerifyLog(a *app) *cobra.Command {
	var f logFlags
	cmd := a.verifies("log [--dir DIR] [--save DIR] [--tiles-only]", "Recompute a whole log: every entry, every signature, every tile, the root",
		`Recompute a log from its own bytes and compare it with a checkpoint that satisfies the policy. The
bytes come from the server of the credential (which has to be an auditor's, or use --tiles-only), or
from a folder with --dir, laid out as the log serves them (C2SP tlog-tiles). --save makes such a
folder of what was verified. The first index that does not hold is named.`,
		func(ctx context.Context, policy *proof.Policy) error {
			source, done, err := a.source(f.dir)
			if err != nil {
				return err
			}
			defer done()
			return a.verifyLog(ctx, policy, source, f)
		})
	cmd.Flags().StringVar(&f.dir, "dir", "", "folder with the log's checkpoint, tiles and entry bundles")
	cmd.Flags().StringVar(&f.save, "save", "", "folder to keep what was verified in")
	cmd.Flags().BoolVar(&f.tiles, "tiles-only", false, "check the tree without reading entries")
	return cmd
}

// source is where the log's bytes come from.
func (a *app) source(dir string) (logcheck.Source, func(), error) {
	if dir != "" {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = errNoFolder
		}
		if err != nil {
			return nil, nil, say.Usage("name a folder as --save makes it", "--dir %s cannot be read: %s", dir, say.Reason(err))
		}
		return logcheck.Dir(dir), func() {}, nil
	}
	c, err := a.credential()
	if err != nil {
		return nil, nil, err
	}
	server, err := a.server("name it with --server, or a folder with --dir")
	if err != nil {
		return nil, nil, err
	}
	web, err := client.HTTP(c.TLS())
	if err != nil {
		return nil, nil, say.Local(err, "the connection cannot be prepared", "look at the credential")
	}
	return logcheck.URL(web, server), web.CloseIdleConnections, nil
}

var errNoFolder = errors.New("it is no folder")

// jsonLog is a log that holds.
type jsonLog struct {
	jsonCheckpoint
	Entries bool           `json:"entries_checked"`
	Kinds   map[string]int `json:"kinds"`
	Authors int            `json:"authors"`
	Tiles   int            `json:"tiles"`
}

func (a *app) verifyLog(ctx context.Context, policy *proof.Policy, source logcheck.Source, f logFlags) error {
	cfg := logcheck.Config{Source: source, Policy: policy, TilesOnly: f.tiles}
	if f.save != "" {
		cfg.Keep = func(path string, raw []byte) error {
			return say.LocalIf(credential.WritePublic(filepath.Join(f.save, filepath.FromSlash(path)), raw),
				"what was verified cannot be kept in "+f.save, "make room there, or give another --save")
		}
	}
	var bar *say.Progress
	cfg.Progress = func(done, total uint64) {
		if bar == nil {
			bar = a.Progress("recomputing", int64(total))
		}
		bar.Set(int64(done))
	}
	report, err := logcheck.Check(ctx, cfg)
	if bar != nil {
		bar.Finish()
	}
	if err != nil {
		return a.logProblem(err)
	}
	out := jsonLog{
		jsonCheckpoint: toCheckpoint(report.Verified), Entries: report.Entries, Kinds: map[string]int{},
		Authors: report.Authors, Tiles: report.Tiles,
	}
	for kind, n := range report.Kinds {
		out.Kinds[kind.String()] = n
	}
	return a.Result(out, out.show)
}

func (a *app) logProblem(err error) error {
	var status *logcheck.StatusError
	var fault *logcheck.Fault
	var local *say.Problem
	var path *fs.PathError
	switch {
	case errors.As(err, &local):
		return local
	case errors.As(err, &path):
		return say.Local(err, "the folder cannot be read", "look at the file and its permissions")
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized):
		return say.Refused("FORBIDDEN", "the server does not give entries to this credential", "nothing was verified",
			"use an auditor's credential, or --tiles-only")
	case errors.As(err, &fault):
		return say.Refused("LOG_BROKEN", "the log does not hold: "+err.Error(), "nothing after that index was checked",
			"keep the bytes (--save) and tell whoever answers for the log").Because(err)
	case errors.Is(err, logcheck.ErrNotFound):
		return say.Refused("INCOMPLETE", "the source does not have all of the log: "+err.Error(), "the log was not verified",
			"complete the folder, or ask the server")
	case nextOf(err) != "":
		return notVerified("the log", err)
	}
	return say.Unreachable(err, "the log could not be read: "+say.Reason(err), "check that the node runs, or give a folder with --dir")
}

func (out jsonLog) show(p *say.Page) {
	out.jsonCheckpoint.show(p)
	if len(out.Kinds) > 0 {
		p.Table("KIND", "ENTRIES")
	}
	for _, kind := range entry.Kinds() {
		if n := out.Kinds[kind.String()]; n > 0 {
			p.Row(kind, n)
		}
	}
	what := "every entry, signature and tile was recomputed, and leads to the root above"
	if !out.Entries {
		what = "every tile was recomputed, and leads to the root above; entries were not read"
	}
	p.Line("verified: %s", what)
}
