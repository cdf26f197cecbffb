package quickstart

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
)

// Summary is the one object of --output json. Its member names are a contract.
type Summary struct {
	Readings      int     `json:"readings"`                // readings of the input that are in the log
	Verified      int     `json:"receipts_verified"`       // receipts of readings that verified offline
	Others        int     `json:"other_receipts_verified"` // receipts of everything else
	Size          uint64  `json:"size"`                    // entries of the log
	Root          string  `json:"root"`                    // its root, hexadecimal
	Erased        int     `json:"erased"`                  // persons erased
	TamperRefused int     `json:"tamper_refused"`          // alterations tried, every one refused
	Seconds       float64 `json:"seconds"`                 // from start to here
	Paths         Paths   `json:"paths"`
}

// Paths say where things are.
type Paths struct {
	Directory   string   `json:"directory"`
	LogURL      string   `json:"log_url"`
	Policy      string   `json:"policy_file"`
	CA          string   `json:"ca"`
	Receipts    string   `json:"receipts"`
	Credentials string   `json:"credentials"`
	Addresses   []string `json:"addresses"`
}

// report prints the summary and where to look next.
func (s *show) report(context.Context) error {
	s.summary.Seconds = math.Round(time.Since(s.began).Seconds()*1000) / 1000
	s.summary.Paths = Paths{
		Directory: s.Dir, LogURL: s.url, Policy: s.site.Policy(), CA: s.site.CA(),
		Receipts: filepath.Join(s.Dir, exportDir), Credentials: s.site.Credentials(),
		Addresses: []string{strings.TrimPrefix(s.url, "https://")},
	}
	s.tell("")
	return s.Printer.Result(s.summary, s.print)
}

// print ends with what to try now; commands that need the node are left out when it
// is about to end.
func (s *show) print(p *say.Page) {
	sum := s.summary
	p.Row("readings in the log", sum.Readings)
	p.Row("receipts verified offline", fmt.Sprintf("%d, and %d of other statements", sum.Verified, sum.Others))
	p.Row("log", fmt.Sprintf("%d entries, root %s", sum.Size, sum.Root))
	p.Row("erased", fmt.Sprintf("%d person", sum.Erased))
	p.Row("tampering refused", fmt.Sprintf("%d of %d attempts", sum.TamperRefused, sum.TamperRefused))
	p.Row("seconds", fmt.Sprintf("%.1f", sum.Seconds))
	p.Row("directory", sum.Paths.Directory)
	p.Line(`
Check it yourself, offline:
  go run ./cli/indelible verify receipt --policy %s --dir %s`, sum.Paths.Policy, sum.Paths.Receipts)
	if s.Once {
		return
	}
	auditor := s.site.Credential(founding.Auditor)
	p.Line(`Recompute the whole log, as an auditor:
  go run ./cli/indelible verify log --credentials %s
How the node is:
  go run ./cli/indelible status --credentials %s`, auditor, auditor)
}
