package vault

import (
	"sync"
	"time"

	"indelible/ledger/entry"
)

const (
	admitFor    = 30 * time.Second // from Admit to Release
	maxAdmitted = 1 << 16          // access entries under way at once
)

// admissions are the access statements this process is about to append or has
// appended and not yet used. They are in memory only: a grant does not outlive
// the process that made it.
type admissions struct {
	now func() time.Time

	mu    sync.Mutex
	since map[entry.StatementID]time.Time
}

func newAdmissions(now func() time.Time) *admissions {
	return &admissions{now: now, since: make(map[entry.StatementID]time.Time)}
}

func (a *admissions) admit(id entry.StatementID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.since) >= maxAdmitted {
		for old, at := range a.since {
			if now.Sub(at) > admitFor {
				delete(a.since, old)
			}
		}
	}
	if len(a.since) >= maxAdmitted {
		return entry.Refuse(entry.CodeOverloaded, "%d access entries are under way", maxAdmitted)
	}
	if _, ok := a.since[id]; ok {
		return entry.Refuse(entry.CodeGrantUsed, "the access entry was admitted before")
	}
	a.since[id] = now
	return nil
}

// use takes an admission out, whatever becomes of the release, and tells since
// when it was there.
func (a *admissions) use(id entry.StatementID) (since time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.since[id]
	if !ok {
		return at, entry.Refuse(entry.CodeGrantUsed, "the access entry was used before, or another process made it")
	}
	delete(a.since, id)
	return at, a.fresh(at)
}

// fresh refuses what was admitted too long ago.
func (a *admissions) fresh(at time.Time) error {
	if age := a.now().Sub(at); age > admitFor || age < 0 {
		return entry.Refuse(entry.CodeGrantExpired, "the access entry is older than %d seconds", int(admitFor/time.Second))
	}
	return nil
}

// Admit registers an access statement that this process is about to append.
// Release accepts no other. The place is kept for 30 seconds or until it is
// used.
func (v *Vault) Admit(access entry.StatementID) error { return v.admitted.admit(access) }
