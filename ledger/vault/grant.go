package vault

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
	"indelible/proof"
)

// Grant is the evidence that a read is recorded: the access entry, proof that
// it is in the log, and the opening of its audit part. It is good for one call.
type Grant struct {
	Receipt   *proof.Receipt
	Statement *entry.Statement
	Opening   []byte // encoded, of the audit part
}

// Request is what a grant must bind: entry.RequestHash of its RPC, Statements,
// Fields and Caller stands in the audit part.
type Request struct {
	RPC        string
	Statements []entry.StatementID // the records wanted, at most MaxReleased
	Fields     []string            // what of them: names of classes ("clinical", "identity", "audit"); of a lookup: LookupField
	Caller     entry.AuthorID
	Handle     entry.Handle // whose records; of a lookup: the accessor's own handle
	Nonce      [32]byte     // of a lookup: what LookupField was made with
}

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

// granted is what a grant gives access to: a slot, as it was read linearizably.
type granted struct {
	number uint64
	slot   *store.Slot
	since  time.Time // when the grant was admitted
}

// unchanged refuses an answer if the slot's guard was raised, or a key of it
// condemned, or the grant grew old, while the answer was being decrypted.
func (v *Vault) unchanged(in granted) error {
	now, err := v.store.View().Slot(in.number)
	if err != nil {
		return err
	}
	if now == nil || now.Guard != in.slot.Guard || now.Gone != in.slot.Gone {
		return entry.Refuse(entry.CodeGuardRaised, "consent, a hold or an erasure changed while the request was under way")
	}
	return v.admitted.fresh(in.since)
}

// checkGrant checks a grant in the order that Release tells, and returns the
// slot of the request's handle.
func (v *Vault) checkGrant(ctx context.Context, g Grant, r Request, actions ...entry.AccessAction) (in granted, err error) {
	if g.Statement == nil || g.Receipt == nil {
		return in, invalid("there is no access entry")
	}
	if err := v.checkAccess(g.Statement, actions); err != nil {
		return in, err
	}
	if in.since, err = v.admitted.use(g.Statement.ID()); err != nil {
		return in, err
	}
	if _, err := proof.Verify(v.policy, g.Statement, g.Receipt); err != nil {
		return in, invalid("its receipt does not verify")
	}
	audit, err := auditOf(g)
	if err != nil {
		return in, err
	}
	if audit.RequestHash != entry.RequestHash(r.RPC, r.Statements, r.Fields, r.Caller) || !slices.Equal(audit.Fields, r.Fields) {
		return in, invalid("it binds another request")
	}
	if g.Statement.Sub != entry.SubOfHandle(r.Handle) {
		return in, invalid("it is about another handle")
	}
	in.number, in.slot, err = v.guarded(ctx, r.Handle, audit.Guard)
	return in, err
}

func invalid(reason string) error {
	return entry.Refuse(entry.CodeGrantInvalid, "the access entry does not permit this: %s", reason)
}

// checkAccess checks that a statement is a permitted access by this node.
func (v *Vault) checkAccess(s *entry.Statement, actions []entry.AccessAction) error {
	body, ok := s.Body.(*entry.Access)
	switch {
	case !ok || s.Kind != entry.KindAccess:
		return invalid("it is of another kind")
	case body.Outcome != entry.OutcomePermit || !slices.Contains(actions, body.Action):
		return invalid("it permits something else or nothing")
	case s.Jurisdiction != v.group:
		return invalid("it is of another jurisdiction")
	case s.Author != v.self || s.Verify(v.cfg.Author) != nil:
		return invalid("this node did not sign it")
	}
	return nil
}

// auditOf opens the audit part that the statement commits to.
func auditOf(g Grant) (entry.AccessAudit, error) {
	parts, err := entry.NewParts(map[entry.Class]entry.Hash{entry.ClassAudit: entry.Commit(g.Opening)})
	if err != nil {
		return entry.AccessAudit{}, err
	}
	if g.Statement.CheckSealed(parts, map[entry.Class][]byte{entry.ClassAudit: g.Opening}, true) != nil {
		return entry.AccessAudit{}, invalid("the opening is not that of its audit part")
	}
	opening, err := entry.ParseOpening(g.Opening)
	if err != nil {
		return entry.AccessAudit{}, invalid("the opening does not parse")
	}
	audit, err := entry.ParseAccessAudit(opening.Content)
	if err != nil {
		return entry.AccessAudit{}, invalid("the audit part does not parse")
	}
	return audit, nil
}

// guarded reads the guard linearizably and compares.
func (v *Vault) guarded(ctx context.Context, h entry.Handle, guard uint64) (uint64, *store.Slot, error) {
	if err := v.env.Barrier(ctx); err != nil {
		return 0, nil, fmt.Errorf("vault: read the guard: %w", err)
	}
	n, slot, err := v.store.View().Resolve(h)
	if err != nil {
		return 0, nil, err
	}
	if slot.Guard != guard {
		return 0, nil, entry.Refuse(entry.CodeGuardRaised, "consent, a hold or an erasure changed since the decision")
	}
	return n, slot, nil
}
