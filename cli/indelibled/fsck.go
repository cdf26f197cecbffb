package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/node"
	"indelible/cli/say"
	"indelible/ledger"
)

func newFsck(p *say.Printer) *cobra.Command {
	return configured(p, "fsck [--config FILE]", "Recompute the log on disk from its entries and name the first bad index",
		`Check the log of a stopped node: every entry's signature and rules, every tile, index and registry
row are recomputed from the bytes of the entries and compared with what is stored. Nothing is changed.

After a crash the newest entries may lie in the Raft log alone. They are not counted here: the next
start applies them.`, fsck)
}

// jsonFsck is what a check found.
type jsonFsck struct {
	Sound   bool        `json:"sound"`
	Entries uint64      `json:"entries"`
	Root    string      `json:"root"`
	Rows    uint64      `json:"rows"`
	Found   uint64      `json:"faults_found"`
	Faults  []jsonFault `json:"faults"` // the lowest indexes, at most 64
}

// jsonFault is one thing that is not as the entries say.
type jsonFault struct {
	Index uint64 `json:"index"`
	Row   string `json:"row"`
	What  string `json:"what"`
}

func fsck(ctx context.Context, p *say.Printer, cfg config.Config) error {
	var bar *say.Progress
	var read uint64 // entries that were recomputed
	report, err := node.Fsck(ctx, cfg, p.Err, func(done, total uint64) {
		read = done
		if bar == nil {
			bar = p.Progress("recomputing", int64(total))
		}
		bar.Set(int64(done))
	})
	if bar != nil {
		bar.Finish()
	}
	switch {
	case errors.Is(err, node.ErrInUse):
		return say.Refused("IN_USE", "a node works on "+cfg.Dir, "nothing was checked",
			"stop it first; a running log is checked from outside with indelible verify log")
	case errors.Is(err, node.ErrNoState):
		return say.Usage("name the configuration of a node that has run", "there is no log in %s", cfg.Dir)
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return unreadable(err, read)
	}
	return fsckResult(p, report)
}

// unreadable is a disk that does not give back what was written: the database's own
// checksums find it before any entry could be recomputed from it.
func unreadable(err error, read uint64) error {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	reason, _, _ = strings.Cut(reason, "; <") // pebble's mark on corruption, for programs
	return say.Refused("UNREADABLE", fmt.Sprintf("the log cannot be read: the first %d entries were recomputed, then: %s", read, reason),
		"the rest was not checked; nothing was repaired", "keep this disk as it is and restore the node; do not start it").Because(err)
}

func fsckResult(p *say.Printer, r *ledger.Report) error {
	out := jsonFsck{
		Sound: r.Sound(), Entries: r.Size, Root: r.Root.String(), Rows: r.Rows, Found: r.Found, Faults: []jsonFault{},
	}
	for _, f := range r.Faults {
		out.Faults = append(out.Faults, jsonFault(f))
	}
	if err := p.Result(out, out.show); err != nil || out.Sound {
		return err
	}
	return say.Refused("UNSOUND", fmt.Sprintf("the log is not sound from entry %d on", out.Faults[0].Index),
		"nothing was repaired", "keep this disk as it is and restore the node; do not start it")
}

func (out jsonFsck) show(p *say.Page) {
	verdict := "sound"
	if !out.Sound {
		verdict = fmt.Sprintf("%d faults", out.Found)
	}
	p.Row("verdict", verdict)
	p.Row("entries", out.Entries)
	p.Row("root", out.Root)
	p.Row("rows compared", out.Rows)
	if out.Sound {
		return
	}
	p.Table("ENTRY", "ROW", "WHAT")
	for _, f := range out.Faults {
		p.Row(f.Index, f.Row, f.What)
	}
}
