package say

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	progressRedraw = 65 * time.Millisecond // at most this often on a terminal
	progressLines  = 4                     // plain lines for a whole run when there is no terminal
)

// Progress is a bar on a terminal and a few plain lines elsewhere. It may be
// used from several goroutines.
type Progress struct {
	mu    sync.Mutex
	out   *Printer
	what  string
	total int64
	done  int64
	step  int64 // plain lines are written each time done passes a multiple of it
	bar   *progressbar.ProgressBar
}

// Progress starts reporting on total steps of what; a total of 0 or less means
// that it is not known.
func (p *Printer) Progress(what string, total int64) *Progress {
	g := &Progress{out: p, what: what, total: total, step: max(total/progressLines, 1)}
	if !p.Terminal() {
		return g
	}
	if total <= 0 {
		total = -1
	}
	g.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.Err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(progressRedraw),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	)
	return g
}

// Set says how many steps are done now; going back is ignored.
func (g *Progress) Set(done int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done <= g.done {
		return
	}
	passed := done/g.step > g.done/g.step
	g.done = done
	switch {
	case g.bar != nil:
		_ = g.bar.Set64(done) // a terminal that cannot be drawn on does not stop the work
	case g.total > 0 && passed && done < g.total:
		g.out.Remark("%s: %d of %d", g.what, done, g.total)
	}
}

// Finish ends the report with a line: how many are done, and of how many when
// that is not all.
func (g *Progress) Finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bar != nil {
		_ = g.bar.Finish()
	}
	if g.done < g.total {
		g.out.Remark("%s: %d of %d", g.what, g.done, g.total)
		return
	}
	g.out.Remark("%s: %d done", g.what, g.done)
}
