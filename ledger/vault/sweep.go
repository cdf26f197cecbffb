package vault

import (
	"context"
	"time"

	"indelible/ledger/vault/store"
)

const (
	sweepEvery  = time.Minute
	sweepPage   = 4096 // records looked at in one go
	listOrphans = 100
)

// sweep looks at records sealed over an hour ago that have not been found in
// the log, and drops those that are a day old.
func (v *Vault) sweep(ctx context.Context) (bool, error) {
	now := v.nowMillis()
	if now < store.OrphanAge || v.state.sweepFrom == 0 && v.cfg.Now().Sub(v.state.swept) < sweepEvery {
		return false, nil
	}
	if v.state.sweepFrom == 0 {
		v.state.swept = v.cfg.Now()
		v.findings.change(func(f *Findings) { f.Waiting, f.Orphans = 0, nil })
	}
	c, logged, err := v.sweepPage(v.state.sweepFrom, now-store.EntryDue)
	if err != nil {
		return false, err
	}
	if len(c.Kept)+len(c.Orphans) > 0 {
		// After a start the log may not be replayed as far as the vault is: to
		// call a record an orphan takes a log that is caught up.
		if _, err := v.catchUp(ctx); err != nil {
			return false, err
		}
		if c, logged, err = v.sweepPage(v.state.sweepFrom, now-store.EntryDue); err != nil {
			return false, err
		}
	}
	v.state.sweepFrom = c.To
	if c.To >= now-store.EntryDue {
		v.state.sweepFrom = 0
	}
	v.findings.change(func(f *Findings) {
		f.Waiting += len(c.Kept)
		for _, e := range c.Kept[:min(len(c.Kept), listOrphans-len(f.Orphans))] {
			f.Orphans = append(f.Orphans, e.ID)
		}
	})
	if logged == 0 && len(c.Orphans) == 0 {
		return v.state.sweepFrom != 0, nil
	}
	if _, err := v.propose(ctx, c); err != nil {
		return false, store.UnlessOutdated(err)
	}
	dropped := uint64(len(c.Orphans))
	v.findings.change(func(f *Findings) { f.Swept += dropped })
	return v.state.sweepFrom != 0, nil
}

// sweepPage reads a page of seal times, and counts the records of it that are in
// the log. It ends between two instants, because the command that follows speaks
// of instants.
func (v *Vault) sweepPage(from, to uint64) (*store.Sweep, int, error) {
	c := &store.Sweep{From: from, To: to}
	logged, seen := 0, 0
	last := from
	err := v.store.View().Recent(from, to, func(e store.Recent) (bool, error) {
		if seen >= sweepPage && e.At != last {
			c.To = e.At
			return false, nil
		}
		seen, last = seen+1, e.At
		_, ok, err := v.logged(e.ID)
		switch {
		case err != nil:
			return false, err
		case ok:
			logged++
		case e.At+store.OrphanAge <= v.nowMillis():
			c.Orphans = append(c.Orphans, e)
		default:
			c.Kept = append(c.Kept, e)
		}
		return true, nil
	})
	return c, logged, err
}
