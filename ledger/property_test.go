package ledger_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/test/seed"
)

const (
	historySteps = 400
	histories    = 16 // judged twice
)

// trial drives one random history through the ledger and through the oracle.
type trial struct {
	*history
	t       *testing.T
	l       *ledger.Ledger
	cmds    []state.Command
	codes   map[entry.Code]int
	kinds   map[entry.Kind]int
	marked  int
	late    int
	pending []submission // held back
}

// TestJudgeAgainstOracle is the test of P4 and P5: every statement of random
// histories, with retries, reorderings, equivocation, revocations, closings and
// confirmations, is decided as a naive second implementation decides it.
func TestJudgeAgainstOracle(t *testing.T) {
	codes, kinds := map[entry.Code]int{}, map[entry.Kind]int{}
	marked, late := 0, 0
	seeds := seed.Each(t, 1, fewer(histories))
	for _, number := range seeds {
		tr := &trial{t: t, history: newHistory(t, number), codes: codes, kinds: kinds}
		tr.l = tr.Open(t, vfs.NewMem(), "ledger")
		tr.run()
		tr.resubmit()
		tr.compare()
		marked, late = marked+tr.marked, late+tr.late
	}
	t.Logf("marked %d, late %d, kinds %v, codes %v", marked, late, kinds, codes)
	if len(seeds) < histories {
		return // too few to reach every rule
	}
	wantCoverage(t, codes, kinds)
	if marked == 0 || late == 0 {
		t.Errorf("%d equivocations and %d late statements: the histories have lost their point", marked, late)
	}
}

// fewer is how many of n random trials to run: a tenth under the race detector.
func fewer(n int) int {
	if raceDetector {
		return max(1, n/10)
	}
	return n
}

// wantCoverage fails when histories no longer reach a rule.
func wantCoverage(t *testing.T, codes map[entry.Code]int, kinds map[entry.Kind]int) {
	t.Helper()
	for _, k := range entry.Kinds() {
		if kinds[k] == 0 && k != entry.KindGenesis && k != entry.KindIndex && k != entry.KindPolicy {
			t.Errorf("no %s was ever accepted", k)
		}
	}
	for _, code := range []entry.Code{
		entry.CodeWrongLog, entry.CodeUnknownAuthor, entry.CodeBadSignature, entry.CodeAuthorSuspended, entry.CodeAuthorRevoked,
		entry.CodeAwaitingUpto, entry.CodeRoleForbidden, entry.CodeAlreadyEnrolled, entry.CodeCAState, entry.CodeWrongJurisdiction,
		entry.CodeUnknownBinding, entry.CodeBindingClosed, entry.CodeBindingNotYet, entry.CodeBindingExists, entry.CodeWrongBinding,
		entry.CodeUnknownHandle, entry.CodeHandleClosed, entry.CodeHandleExists, entry.CodeWrongHandle, entry.CodeUnknownStatement,
		entry.CodeWrongState, entry.CodeWrongPosition, entry.CodeClockAhead, entry.CodeBootTooFar, entry.CodeRequestIDReused,
		entry.CodeSeenMismatch, entry.CodeSealExpired, entry.CodeNotSealed, entry.CodeSealUnexpected, entry.CodeNotConfirmable,
		entry.CodeAlreadyConfirmed, entry.CodeSelfConfirmation, entry.CodeGraceRunning, entry.CodeGraceOver, entry.CodeNotYourRequest,
		entry.CodeFieldMissing,
	} {
		if codes[code] == 0 {
			t.Errorf("no statement was ever refused with %s", code)
		}
	}
}

func (tr *trial) run() {
	if tr.odds(80) {
		tr.command(tr.all)
		tr.all = nil
	}
	tr.flush()
	for range historySteps {
		tr.step()
		if tr.odds(70) {
			tr.flush()
		}
	}
	tr.flush()
}

// flush sends what is queued, in one command or several, some of it twice, some
// out of order, some held back for later.
func (tr *trial) flush() {
	queue := slices.Concat(tr.pending, tr.all)
	tr.all, tr.pending = nil, nil
	tr.later = slices.DeleteFunc(tr.later, func(s submission) bool {
		due := tr.odds(10)
		if due {
			queue = append(queue, s)
		}
		return due
	})
	if len(queue) > 1 && tr.odds(20) {
		i, j := tr.rng.IntN(len(queue)), tr.rng.IntN(len(queue))
		queue[i], queue[j] = queue[j], queue[i]
	}
	var now []submission
	for _, s := range queue {
		switch {
		case tr.odds(8):
			tr.pending = append(tr.pending, s)
			continue
		case tr.odds(3):
			now = append(now, s, s)
		case tr.odds(2):
			now = append(now, broken(s))
		}
		now = append(now, s)
	}
	for len(now) > 0 {
		n := 1 + tr.rng.IntN(min(len(now), 6))
		tr.command(now[:n])
		now = now[n:]
	}
}

// broken has a signature that does not verify.
func broken(s submission) submission {
	raw := slices.Clone(s.raw)
	raw[len(raw)-40] ^= 1
	return submission{raw: raw, sealed: s.sealed}
}

// command applies statements and compares every outcome.
func (tr *trial) command(subs []submission) {
	tr.t.Helper()
	tr.Now += tr.rng.Uint64N(3 * minute)
	if tr.odds(1) {
		tr.Now += tr.rng.Uint64N(9 * day)
	}
	items := make([]ledger.Item, len(subs))
	for i, s := range subs {
		items[i].Statement = s.raw
		if s.sealed {
			items[i].SealedAt = tr.Now
			if tr.odds(2) {
				items[i].SealedAt -= tr.rng.Uint64N(2 * hour)
			}
		}
	}
	cmd := tr.Command(uint64(len(tr.cmds)+1), items...)
	if tr.odds(10) {
		cmd.Time -= tr.rng.Uint64N(10 * minute) // a leader with a slow clock
	}
	tr.cmds = append(tr.cmds, cmd)
	out, err := tr.l.Apply([]state.Command{cmd})
	if err != nil {
		tr.t.Fatalf("seed %d: command %d: %v", tr.Seed, cmd.Index, err)
	}
	for i, item := range items {
		tr.outcome(item, cmd, out[0][i])
	}
}

func (tr *trial) outcome(item ledger.Item, cmd state.Command, got ledger.Outcome) {
	tr.t.Helper()
	want := tr.oracle.submit(item.Statement, item.SealedAt, cmd.Time)
	s, err := entry.Parse(item.Statement)
	if err != nil {
		tr.t.Fatalf("seed %d: %v", tr.Seed, err)
	}
	if got.Refusal != nil {
		tr.codes[got.Refusal.Code]++
		if !slices.Contains(want.reasons, got.Refusal.Code) {
			tr.t.Fatalf("seed %d, command %d: a %s was refused: %v; the oracle has %v", tr.Seed, cmd.Index, s.Kind, error(got.Refusal), want.reasons)
		}
		if got.Refusal.Retryable && tr.odds(45) {
			tr.later = append(tr.later, submission{raw: item.Statement, sealed: s.Parts != nil})
		}
		return
	}
	same := len(want.reasons) == 0 && got.Index == uint64(want.index) && got.Duplicate == want.duplicate &&
		got.Marked == want.marked && got.Late == want.late
	if !same {
		tr.t.Fatalf("seed %d, command %d: a %s got %+v, want %+v", tr.Seed, cmd.Index, s.Kind, got, want)
	}
	e := tr.oracle.log[want.index]
	if got.ID != s.ID() || got.LedgerTime != e.time || got.LeafHash != leafHash(e.time, e.s) {
		tr.t.Fatalf("seed %d: outcome %+v is not of entry %d", tr.Seed, got, want.index)
	}
	if !got.Duplicate {
		tr.kinds[s.Kind]++
		if got.Marked {
			tr.marked++
		}
		if got.Late {
			tr.late++
		}
	}
}

// resubmit sends every logged statement again, in another order and half of them
// with a broken signature: same index, whatever has happened since.
func (tr *trial) resubmit() {
	order := tr.rng.Perm(len(tr.oracle.log))
	size := tr.l.Size()
	for _, i := range order {
		s := submission{raw: tr.oracle.log[i].s.Bytes(), sealed: tr.odds(50)}
		if tr.odds(50) {
			s = broken(s)
		}
		tr.command([]submission{s})
	}
	if tr.l.Size() != size {
		tr.t.Fatalf("seed %d: resubmitting made the log grow from %d to %d", tr.Seed, size, tr.l.Size())
	}
}

// compare holds the states against each other at the end.
func (tr *trial) compare() {
	t, o := tr.t, tr.oracle
	t.Helper()
	if tr.l.Size() != uint64(len(o.log)) || tr.l.Time() != o.time {
		t.Fatalf("seed %d: size %d, time %d; want %d, %d", tr.Seed, tr.l.Size(), tr.l.Time(), len(o.log), o.time)
	}
	root, err := tr.l.Root(tr.l.Size())
	if err != nil || root != naiveRoot(o.hashes()) {
		t.Fatalf("seed %d: root %s (%v)", tr.Seed, root, err)
	}
	for _, id := range slices.SortedFunc(maps.Keys(o.authors), func(a, b entry.AuthorID) int { return slices.Compare(a[:], b[:]) }) {
		want := o.authors[id]
		a, ok, err := tr.l.Author(id)
		if err != nil || !ok || a.State != want.state || a.Role != want.role || a.Node != want.node {
			t.Errorf("seed %d: author %s is %+v (%v), want %+v", tr.Seed, id, a, err, want)
		}
	}
	for i, e := range o.log {
		marked, late, err := tr.l.Marks(uint64(i))
		if err != nil || marked != e.marked || late != e.late {
			t.Errorf("seed %d: entry %d is marked %t, late %t (%v); want %t, %t", tr.Seed, i, marked, late, err, e.marked, e.late)
		}
	}
	if r := fsck(t, tr.l.State()); !r.Sound() {
		t.Errorf("seed %d: %v", tr.Seed, r.Err())
	}
}
