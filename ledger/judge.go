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
// The error is an *entry.Refusal if it does not, anything else if that could
// not be found out. It changes nothing.
func (t *tx) judge(w *work) (standing, error) {
	s := w.statement
	switch {
	case s.Kind == entry.KindGenesis:
		return standing{}, entry.Refuse(entry.CodeWrongState, "a log has one genesis, at index 0")
	case s.Kind == entry.KindIndex:
		return standing{}, entry.Refuse(entry.CodeKindNotYet, "index entries are not accepted yet")
	case s.Log != t.l.genesis.id:
		return standing{}, entry.Refuse(entry.CodeWrongLog, "the statement is addressed to log %s, this is %s", s.Log, t.l.genesis.id)
	}
	author, err := t.authors.get(t, s.Author)
	if err != nil {
		return standing{}, err
	}
	if author == nil {
		return standing{}, entry.Refuse(entry.CodeUnknownAuthor, "author %s is not enrolled", s.Author)
	}
	if err := t.signature(w, author); err != nil {
		return standing{}, err
	}
	late, err := t.mayStill(s, author)
	if err != nil {
		return standing{}, err
	}
	equivocation, err := t.claims(w, author)
	if err != nil {
		return standing{}, err
	}
	return standing{late: late, equivocation: equivocation}, t.rules(s, author)
}

func (t *tx) signature(w *work, author *Author) error {
	if !w.checked {
		w.checked = true
		w.signature = t.l.verifier.Verify([]*entry.Statement{w.statement}, []*entry.PublicKey{author.Key})[0]
	}
	return w.signature
}

// mayStill judges the state of the author, and whether a revoked one vouched
// for this statement (FORMATS §1, "upto").
func (t *tx) mayStill(s *entry.Statement, author *Author) (late bool, err error) {
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
	next, err := t.vouched(author)
	switch {
	case err != nil:
		return false, err
	case next == nil:
		return false, revoked
	case *next != s.ID():
		return false, entry.Refuse(entry.CodeAwaitingUpto, "author %s is revoked; statement %s is awaited first", author.ID, next)
	}
	return true, nil
}

// claims judges what the statement says of itself, apart from its kind: time,
// uniqueness, the history its author has seen, and its seal.
func (t *tx) claims(w *work, author *Author) (equivocation bool, err error) {
	s := w.statement
	if s.IssuedAt > t.now+clockTolerance {
		return false, entry.Refuse(entry.CodeClockAhead, "signed at %d, ledger time is %d", s.IssuedAt, t.now)
	}
	equivocation, err = t.unique(s, author)
	if err != nil {
		return false, err
	}
	if err := t.seen(s); err != nil {
		return false, err
	}
	return equivocation, t.seal(w)
}

func (t *tx) seen(s *entry.Statement) error {
	switch {
	case s.Seen == nil:
		return nil
	case t.readOnly() && s.Seen.Size > t.base:
		// A node may lag behind the checkpoint its client holds.
		return nil
	case s.Seen.Size > t.meta.size:
		return entry.Refuse(entry.CodeSeenMismatch, "the author has seen %d entries, the log has %d", s.Seen.Size, t.meta.size)
	}
	root, err := t.rootAt(s.Seen.Size)
	if err != nil {
		return err
	}
	if entry.Hash(root) != s.Seen.Root {
		return entry.Refuse(entry.CodeSeenMismatch, "the author has seen another root at size %d", s.Seen.Size)
	}
	return nil
}

// seal judges the seal time against the command's own time (FORMATS §7).
func (t *tx) seal(w *work) error {
	switch {
	case w.unsealed:
		return nil
	case w.statement.Parts == nil && w.sealedAt != 0:
		return entry.Refuse(entry.CodeSealUnexpected, "a statement without sealed parts has a seal time")
	case w.statement.Parts == nil:
		return nil
	case w.sealedAt == 0:
		return entry.Refuse(entry.CodeNotSealed, "the sealed parts have no seal time")
	case t.commanded > w.sealedAt && t.commanded-w.sealedAt > sealWindow:
		return entry.Refuse(entry.CodeSealExpired, "sealed %d ms before it was ordered, at most %d", t.commanded-w.sealedAt, sealWindow)
	}
	return nil
}

// rules judges everything that depends on what the statement says, and that is
// judged again when a second author confirms it: who may sign it, where, and
// about what.
func (t *tx) rules(s *entry.Statement, author *Author) error {
	if err := mayRole(s, author.Role); err != nil {
		return err
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

func (t *tx) judgeKind(s *entry.Statement, author *Author) error {
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
		_, err := t.subject(s)
		return err
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

// inJurisdiction refuses a statement made elsewhere than what it is about.
func inJurisdiction(s *entry.Statement, of string) error {
	if s.Jurisdiction != of {
		return entry.Refuse(entry.CodeWrongJurisdiction, "the statement is made in another jurisdiction than what it is about")
	}
	return nil
}
