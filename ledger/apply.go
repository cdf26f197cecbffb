package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// Outcome is what became of one statement.
type Outcome struct {
	Index      uint64 // where it stands; meaningful without a Refusal
	LedgerTime uint64 // of that entry, Unix milliseconds
	ID         entry.StatementID
	LeafHash   proof.Hash
	Duplicate  bool           // it stood there before
	Marked     bool           // another statement of its author has the same number
	Late       bool           // its author is revoked and vouched for it
	Refusal    *entry.Refusal // it was not logged and changed nothing
}

func (o *Outcome) mark(flags uint64) {
	o.Marked = flags&markEquivocation != 0
	o.Late = flags&markLate != 0
}

// candidate is one statement on its way through a transaction.
type candidate struct {
	statement *entry.Statement
	sealedAt  uint64
	unsealed  bool           // of Precheck: not yet sealed, so that is not judged
	malformed *entry.Refusal // instead of a statement
	checked   bool           // its signature was looked at
	signature error          // and this was found
}

// Apply folds commands into the state, in order, and returns the outcome of
// each of their statements; nil for commands at or below the position the
// database has reached. Everything is written in one batch, without waiting for
// the disk: what a power cut takes is replayed from the Raft log.
//
// An error means that the node must stop: a command that this version does not
// know, a row that cannot be read or written. Nothing was written then, and
// every later call fails alike.
func (l *Ledger) Apply(cmds []state.Command) ([][]Outcome, error) {
	if l.broken != nil {
		return nil, fmt.Errorf("ledger: stopped earlier: %w", l.broken)
	}
	outcomes, err := l.apply(cmds)
	if err != nil {
		l.broken = err
		return nil, err
	}
	return outcomes, nil
}

func (l *Ledger) apply(cmds []state.Command) (outcomes [][]Outcome, err error) {
	outcomes = make([][]Outcome, len(cmds))
	applied := l.db.Applied().Index
	first := 0
	for first < len(cmds) && cmds[first].Index <= applied {
		first++
	}
	if first == len(cmds) {
		return outcomes, nil
	}
	t := l.begin()
	defer func() { err = errors.Join(err, t.discard()) }()
	candidates, err := t.prepare(cmds[first:])
	if err != nil {
		return nil, err
	}
	for i, list := range candidates {
		if outcomes[first+i], err = t.command(cmds[first+i].Time, list); err != nil {
			return nil, err
		}
	}
	last := cmds[len(cmds)-1]
	return outcomes, t.commit(state.Applied{Index: last.Index, Term: last.Term})
}

// prepare parses all statements and verifies their signatures in one go, as far
// as their authors are known yet.
func (t *tx) prepare(cmds []state.Command) ([][]candidate, error) {
	candidates := make([][]candidate, len(cmds))
	for i, cmd := range cmds {
		if i > 0 && cmd.Index <= cmds[i-1].Index {
			return nil, fmt.Errorf("ledger: command %d comes after %d", cmd.Index, cmds[i-1].Index)
		}
		if cmd.Type != CommandAppend || cmd.Time > entry.MaxTime {
			return nil, fmt.Errorf("ledger: command %d, of type %d and time %d, is none that this program knows", cmd.Index, cmd.Type, cmd.Time)
		}
		items, err := decodeAppend(cmd.Body)
		if err != nil {
			return nil, fmt.Errorf("command %d: %w", cmd.Index, err)
		}
		candidates[i] = make([]candidate, len(items))
		for j, item := range items {
			candidates[i][j] = newCandidate(item)
		}
	}
	t.verifyKnown(candidates...)
	return candidates, t.failure
}

func newCandidate(item Item) candidate {
	s, err := entry.Parse(item.Statement)
	if err == nil {
		return candidate{statement: s, sealedAt: item.SealedAt}
	}
	refusal, ok := refusalIn(err)
	if !ok {
		refusal = entry.Refuse(entry.CodeMalformed, "not a statement")
	}
	return candidate{malformed: refusal}
}

// refusalIn tells a verdict from a failure. Only an error that is a refusal is
// a verdict; one that wraps a refusal says that something which passed before
// does not pass any more, and the node must stop.
func refusalIn(err error) (*entry.Refusal, bool) {
	r, ok := err.(*entry.Refusal) //nolint:errorlint // wrapped refusals are failures
	return r, ok
}

// verifyKnown verifies the signatures of all statements whose authors are known
// before the first of them is judged. It decides nothing: what it leaves out,
// the judge verifies one by one.
func (t *tx) verifyKnown(candidates ...[]candidate) {
	var (
		statements []*entry.Statement
		keys       []*entry.PublicKey
		of         []*candidate
	)
	for _, list := range candidates {
		for i := range list {
			c := &list[i]
			if c.statement == nil {
				continue
			}
			if author := t.authors.get(t, c.statement.Author); author != nil {
				statements, keys, of = append(statements, c.statement), append(keys, author.Key), append(of, c)
			}
		}
	}
	for i, err := range t.l.verifier.Verify(statements, keys) {
		of[i].checked, of[i].signature = true, err
	}
}

// command applies one command: ledger time first, then its statements.
func (t *tx) command(time uint64, candidates []candidate) ([]Outcome, error) {
	t.commanded, t.now = time, max(t.now, time)
	outcomes := make([]Outcome, len(candidates))
	for i := range candidates {
		if outcomes[i] = t.step(&candidates[i]); t.failure != nil {
			return nil, t.failure
		}
	}
	return outcomes, nil
}

func (t *tx) step(c *candidate) Outcome {
	if c.statement == nil {
		return Outcome{Refusal: c.malformed}
	}
	id := c.statement.ID()
	if index, known := t.known(c.statement); known {
		return t.duplicate(id, index)
	}
	s, refusal := t.judge(c)
	if t.failure != nil {
		return Outcome{}
	}
	if refusal != nil {
		t.alarm(c.statement, refusal)
		return Outcome{ID: id, Refusal: refusal}
	}
	leaf, err := c.statement.Leaf(t.now)
	if err != nil {
		t.fail(fmt.Errorf("ledger: build the leaf of an accepted statement: %w", err))
		return Outcome{}
	}
	o := Outcome{Index: t.meta.size, LedgerTime: t.now, ID: id, LeafHash: proof.LeafHash(leaf)}
	o.mark(s.marks())
	t.append(c.statement, leaf, s)
	return o
}

func (t *tx) duplicate(id entry.StatementID, index uint64) Outcome {
	e := t.entry(index)
	o := Outcome{Index: index, LedgerTime: e.time, ID: id, LeafHash: e.hash, Duplicate: true}
	if mark := t.marks.get(t, index); mark != nil {
		o.mark(mark.flags)
	}
	return o
}

// append writes an accepted statement as the next entry, with all that follows
// from it.
func (t *tx) append(s *entry.Statement, leaf []byte, as standing) {
	index := t.meta.size
	hash := proof.LeafHash(leaf)
	t.digestBegin(hash)
	if !t.readOnly() {
		if err := t.batch.Set(leafKey(index), leaf, nil); err != nil {
			t.fail(fmt.Errorf("ledger: stage a leaf: %w", err))
			return
		}
		t.tree.append(hash)
	}
	t.leaves = append(t.leaves, logged{statement: s, time: t.now, hash: hash})
	t.meta.size++
	t.sids.put(t, s.ID(), &position{index})
	t.effect(s, index, as)
	t.number(s, index, as)
	t.digestEnd()
}

// alarm reports a statement that was signed over a history that is not ours. It
// is the one refusal that may mean that this log, not the author, is at fault.
func (t *tx) alarm(s *entry.Statement, r *entry.Refusal) {
	if r.Code != entry.CodeSeenMismatch || t.readOnly() {
		return
	}
	t.l.log.LogAttrs(context.Background(), slog.LevelError, "an author has seen another history than ours",
		slog.String("author", s.Author.String()), slog.Uint64("seen_size", s.Seen.Size), slog.Uint64("size", t.meta.size))
}

// Precheck tells what Apply would answer if the statements came next, in this
// order, in a command of the time now (Unix milliseconds). It is the same code,
// on committed state and the batch so far, and writes nothing: the edge uses it
// to refuse before anything is sealed or replicated. Its verdict is early, not
// final; indexes it names are those the entries would get now.
//
// sealedAt is the seal time of each statement; nil before sealing, and then
// seals are not judged.
//
// A node that lags behind the others judges by what it has. Refusals that are
// retryable (entry.Refusal) may be of that sort.
func (l *Ledger) Precheck(now uint64, stmts []*entry.Statement, sealedAt []uint64) (outcomes []Outcome, err error) {
	if sealedAt != nil && len(sealedAt) != len(stmts) {
		return nil, fmt.Errorf("ledger: %d seal times for %d statements", len(sealedAt), len(stmts))
	}
	if now > entry.MaxTime {
		return nil, fmt.Errorf("ledger: time %d is out of range", now)
	}
	snapshot := l.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	var at meta
	if _, err := readRow(snapshot, metaKey, func(row []byte) (err error) {
		at, err = decodeMeta(row)
		return err
	}); err != nil {
		return nil, err
	}
	t := l.overlaid(snapshot, at)
	candidates := make([]candidate, len(stmts))
	for i, s := range stmts {
		candidates[i] = candidate{statement: s, unsealed: sealedAt == nil}
		if sealedAt != nil {
			candidates[i].sealedAt = sealedAt[i]
		}
	}
	if t.verifyKnown(candidates); t.failure != nil {
		return nil, t.failure
	}
	return t.command(now, candidates)
}
