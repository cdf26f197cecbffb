package commands

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"indelible/api/client"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

// jsonVerifiedDir is a folder of receipts that all verified.
type jsonVerifiedDir struct {
	Verified int `json:"verified"`
	Readings int `json:"readings"`
}

// namedFaults bounds how many faulty files one message names.
const namedFaults = 10

// verifyDir verifies every pair of a folder. It goes to the end: who looks
// for what was altered needs all of it.
func (a *app) verifyDir(ctx context.Context, policy *proof.Policy, dir string) error {
	bases, err := pairs(dir)
	if err != nil {
		return err
	}
	bar := a.Progress("verifying", int64(len(bases)))
	verifier := proof.NewVerifier(policy)
	var out jsonVerifiedDir
	var faults []error
	var faulty []string
	for i, base := range bases {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, base)
		statement, _, err := verifyPair(verifier, path+client.StatementSuffix, path+client.ReceiptSuffix)
		switch {
		case err != nil:
			faults, faulty = append(faults, err), append(faulty, base)
		case statement.Kind == entry.KindReading:
			out.Readings++
			out.Verified++
		default:
			out.Verified++
		}
		bar.Set(int64(i + 1))
	}
	bar.Finish()
	if len(faults) > 0 {
		return dirProblem(faults, faulty, len(bases))
	}
	return a.Result(out, func(p *say.Page) {
		p.Line("all %d receipts verify, %d of them of readings", out.Verified, out.Readings)
	})
}

// pairs lists the base names of statements and receipts in a folder. A receipt
// whose statement was taken away is listed too: it would not be missed otherwise.
func pairs(dir string) ([]string, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, say.Usage("name a folder of statements and receipts", "the folder %s cannot be read: %s", dir, say.Reason(err))
	}
	var bases []string
	for _, name := range names {
		for _, suffix := range []string{client.StatementSuffix, client.ReceiptSuffix} {
			if base, ok := strings.CutSuffix(name.Name(), suffix); ok {
				bases = append(bases, base)
			}
		}
	}
	slices.Sort(bases)
	if bases = slices.Compact(bases); len(bases) == 0 {
		return nil, say.Usage("name a folder of statements (.cose) and receipts (.tlog-proof)", "the folder %s holds none", dir)
	}
	return bases, nil
}

// dirProblem is the first fault, with the names of the others.
func dirProblem(faults []error, names []string, of int) error {
	p := *say.AsProblem(faults[0])
	p.Exit = say.ExitRefused
	if len(faults) > 1 {
		more := names[1:min(len(names), namedFaults)]
		p.What += fmt.Sprintf("; of %d in the folder %d do not verify, the others are: %s", of, len(faults), strings.Join(more, ", "))
		if len(names) > namedFaults {
			p.What += fmt.Sprintf(", and %d more", len(names)-namedFaults)
		}
	}
	p.NotDone = fmt.Sprintf("nothing is proved of what is named here; the other %d verify", of-len(faults))
	return &p
}
