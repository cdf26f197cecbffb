package ledger

import (
	"indelible/ledger/entry"
)

// Times of FORMATS §1, milliseconds.
const (
	clockTolerance = 5 * 60 * 1000           // how far a signer's clock may be ahead of ledger time, or before its binding
	arrivalWindow  = 7 * 24 * 60 * 60 * 1000 // how long after a binding's end its statements may arrive
	sealWindow     = 60 * 60 * 1000          // how old a sealed record may be when its statement is ordered
)

// maxBootStep is how far a boot may lie above the highest accepted of its key.
const maxBootStep = 1000

// standing is what the judge found out about an accepted statement.
type standing struct {
	late         bool // vouched for after its author was revoked
	equivocation bool // its number is used
}

func (s standing) marks() (flags uint64) {
	if s.equivocation {
		flags |= markEquivocation
	}
	if s.late {
		flags |= markLate
	}
	return flags
}

// judge decides whether a statement that is not logged becomes the next entry.
// It changes nothing. A verdict after a failure does not count.
func (t *tx) judge(c *candidate) (standing, *entry.Refusal) {
	s := c.statement
	switch {
	case s.Kind == entry.KindGenesis:
		return standing{}, entry.Refuse(entry.CodeWrongState, "a log has one genesis, at index 0")
	case s.Kind == entry.KindIndex:
		return standing{}, entry.Refuse(entry.CodeKindNotYet, "index entries are not accepted yet")
	case s.Log != t.l.genesis.id:
		return standing{}, entry.Refuse(entry.CodeWrongLog, "the statement is addressed to log %s, this is %s", s.Log, t.l.genesis.id)
	}
	author := t.authors.get(t, s.Author)
	if author == nil {
		return standing{}, entry.Refuse(entry.CodeUnknownAuthor, "author %s is not enrolled", s.Author)
	}
	if refusal := t.signature(c, author); refusal != nil {
		return standing{}, refusal
	}
	late, refusal := t.mayStill(s, author)
	if refusal != nil {
		return standing{}, refusal
	}
	equivocation, refusal := t.claims(c, author)
	if refusal != nil {
		return standing{}, refusal
	}
	return standing{late: late, equivocation: equivocation}, t.rules(s, author)
}

func (t *tx) signature(c *candidate, author *Author) *entry.Refusal {
	if !c.checked {
		c.checked = true
		c.signature = t.l.verifier.Verify([]*entry.Statement{c.statement}, []*entry.PublicKey{author.Key})[0]
	}
	refusal, ok := refusalIn(c.signature)
	if !ok && c.signature != nil {
		t.fail(c.signature)
	}
	return refusal
}

// mayStill judges the state of the author, and whether a revoked one vouched
// for this statement (FORMATS §1, "upto").
func (t *tx) mayStill(s *entry.Statement, author *Author) (late bool, refusal *entry.Refusal) {
	switch author.State {
	case AuthorActive:
		return false, nil
	case AuthorSuspended:
		return false, entry.Refuse(entry.CodeAuthorSuspended, "author %s is suspended since entry %d", author.ID, author.Changed)
	}
	revoked := entry.Refuse(entry.CodeAuthorRevoked, "author %s is revoked since entry %d", author.ID, author.Changed)
	if author.Upto == nil {
		return false, revoked
	}
	switch next := t.vouched(author); {
	case next == nil:
		return false, revoked
	case *next != s.ID():
		return false, entry.Refuse(entry.CodeAwaitingUpto, "author %s is revoked; statement %s is awaited first", author.ID, next)
	}
	return true, nil
}

// claims judges what the statement says of itself, apart from its kind: time,
// uniqueness, the history its author has seen, and its seal.
func (t *tx) claims(c *candidate, author *Author) (equivocation bool, refusal *entry.Refusal) {
	s := c.statement
	if s.IssuedAt > t.now+clockTolerance {
		return false, entry.Refuse(entry.CodeClockAhead, "signed at %d, ledger time is %d", s.IssuedAt, t.now)
	}
	if equivocation, refusal = t.unique(s, author); refusal != nil {
		return false, refusal
	}
	if refusal = t.seen(s); refusal != nil {
		return false, refusal
	}
	return equivocation, t.seal(c)
}

func (t *tx) seen(s *entry.Statement) *entry.Refusal {
	switch {
	case s.Seen == nil:
		return nil
	case t.readOnly() && s.Seen.Size > t.base:
		// A node may lag behind the checkpoint its client holds.
		return nil
	case s.Seen.Size > t.meta.size:
		return entry.Refuse(entry.CodeSeenMismatch, "the author has seen %d entries, the log has %d", s.Seen.Size, t.meta.size)
	case entry.Hash(t.rootAt(s.Seen.Size)) != s.Seen.Root:
		return entry.Refuse(entry.CodeSeenMismatch, "the author has seen another root at size %d", s.Seen.Size)
	}
	return nil
}

// seal judges the seal time against the command's own time (FORMATS §7).
func (t *tx) seal(c *candidate) *entry.Refusal {
	switch {
	case c.unsealed:
		return nil
	case c.statement.Parts == nil && c.sealedAt != 0:
		return entry.Refuse(entry.CodeSealUnexpected, "a statement without sealed parts has a seal time")
	case c.statement.Parts == nil:
		return nil
	case c.sealedAt == 0:
		return entry.Refuse(entry.CodeNotSealed, "the sealed parts have no seal time")
	case t.commanded > c.sealedAt && t.commanded-c.sealedAt > sealWindow:
		return entry.Refuse(entry.CodeSealExpired, "sealed %d ms before it was ordered, at most %d", t.commanded-c.sealedAt, sealWindow)
	}
	return nil
}

// rules judges everything that depends on what the statement says, and that is
// judged again when a second author confirms it: who may sign it, where, and
// about what.
func (t *tx) rules(s *entry.Statement, author *Author) *entry.Refusal {
	if refusal := mayRole(s, author.Role); refusal != nil {
		return refusal
	}
	if s.Jurisdiction != "" {
		if _, ok := t.l.genesis.rules[s.Jurisdiction]; !ok {
			return entry.Refuse(entry.CodeWrongJurisdiction, "the log has no such jurisdiction")
		}
		if !author.May(s.Jurisdiction) {
			return entry.Refuse(entry.CodeWrongJurisdiction, "author %s may not act in this jurisdiction", author.ID)
		}
	}
	if s.Confirms != nil {
		return t.judgeConfirmation(s)
	}
	return t.judgeKind(s, author)
}

func (t *tx) judgeKind(s *entry.Statement, author *Author) *entry.Refusal {
	switch body := s.Body.(type) {
	case nil:
		return t.judgeReading(s)
	case *entry.AuthorChange:
		return t.judgeAuthor(s, body)
	case *entry.CAChange:
		return t.judgeCA(body)
	case *entry.HandleChange:
		return t.judgeHandle(s, body, author)
	case *entry.BindingChange:
		return t.judgeBinding(s, body)
	case *entry.Correction:
		return t.judgeCorrection(s, body, author)
	case *entry.Consent:
		_, refusal := t.subject(s)
		return refusal
	case *entry.Access:
		return t.judgeAccess(s, body)
	case *entry.Erasure:
		return t.judgeErasure(s, body, author)
	case *entry.Hold:
		return t.judgeHold(s, body)
	case *entry.PolicyChange:
		return nil
	case *entry.NodeChange:
		return t.judgeNode(body)
	}
	return entry.Refuse(entry.CodeKindNotYet, "this kind is not accepted")
}

func inJurisdiction(s *entry.Statement, of string) *entry.Refusal {
	if s.Jurisdiction != of {
		return entry.Refuse(entry.CodeWrongJurisdiction, "the statement is made in another jurisdiction than what it is about")
	}
	return nil
}
