package ingest

import (
	"fmt"
	"slices"

	"indelible/api/client"
	"indelible/ingest/journal"
)

// What is under way between a device and the log has the client's names.
type (
	Client  = client.Client
	Signed  = client.Signed
	Opening = client.Opening
	Content = client.Content
	Proven  = client.Proven
	Outcome = client.Outcome
	Refused = client.Refused
	Device  = client.Device
)

// Attach makes the clients of a configuration keep here what they prove, and go on
// from the newest checkpoint here. Clients that share a store share its history.
func (r *Receipts) Attach(cfg client.Config) client.Config {
	cfg.History, cfg.Keep = r.history, r.keep
	return cfg
}

// keep stores receipts, those of duplicates only if they are missing.
func (r *Receipts) keep(outcomes []Outcome) error {
	var fresh, again []*Proven
	for _, o := range outcomes {
		if o.Duplicate {
			again = append(again, o.Proven)
		} else {
			fresh = append(fresh, o.Proven)
		}
	}
	missing, err := r.missing(again)
	if err != nil {
		return err
	}
	return r.Add(append(fresh, missing...)...)
}

// keepEvidence writes two signed notes of one size into one file,
// split-view-<size>.txt, durably and as a whole. Evidence kept before is not
// overwritten.
func (r *Receipts) keepEvidence(size uint64, a, b []byte) error {
	name := fmt.Sprintf("split-view-%d.txt", size)
	names, err := r.dir.List()
	if err != nil || slices.Contains(names, name) {
		return err
	}
	content := append(append(append([]byte(nil), a...), '\n'), b...)
	draft := name + ".draft" // has its name when it is whole
	if slices.Contains(names, draft) {
		err = r.dir.Remove(draft)
	}
	if err == nil {
		err = journal.WriteFile(r.dir, draft, content)
	}
	if err == nil {
		err = r.dir.Rename(draft, name)
	}
	if err == nil {
		err = r.dir.Sync()
	}
	return err
}
