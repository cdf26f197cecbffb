package api

import (
	"context"
	"errors"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
	"indelible/raft"
)

// take is the one way into the log (DESIGN §5). Each step either passes
// a statement on or ends its way with a refusal of its own; an error of take is
// one of the whole call, after which the same bytes may be sent again. open says
// that the call names no jurisdiction and takes what has nothing sealed.
func (s *Server) take(ctx context.Context, open bool, in []*indeliblev1.Submission, wait indeliblev1.Wait) ([]*indeliblev1.Outcome, error) {
	b := &batch{Server: s, who: callerOf(ctx), byOpen: open}
	for _, submission := range in {
		w, err := b.read(submission)
		if err != nil {
			return nil, err
		}
		b.works = append(b.works, w)
	}
	for _, step := range []func(context.Context) error{
		b.known, b.verify, b.open, b.judge, b.seal, b.order,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.settle(ctx); err != nil {
		return nil, unsettled(err)
	}
	out, err := b.outcomes(ctx, wait)
	return out, unsettled(err)
}

// read parses a statement and checks that it came the right way: a kind that
// this RPC takes from this caller, in the jurisdiction the call named.
func (b *batch) read(in *indeliblev1.Submission) (*work, error) {
	w := &work{}
	raw, err := entry.NormalizeSignature(in.GetStatement())
	if err != nil {
		return w, w.refuse(err)
	}
	if w.statement, err = entry.Parse(raw); err != nil {
		return w, w.refuse(err)
	}
	w.rule = kindRuleOf(w.statement)
	w.refusal = w.rule.refusal(b.who, b.byOpen)
	switch {
	case w.refusal != nil:
	case b.who.jurisdiction != "" && w.statement.Jurisdiction != b.who.jurisdiction:
		w.refusal = entry.Refuse(entry.CodeWrongJurisdiction, "the statement belongs to another jurisdiction than the call names")
	case entry.LogID(w.statement.LogID()) != b.log.ID():
		w.refusal = entry.Refuse(entry.CodeWrongLog, "the statement is addressed to another log than %s", b.log.ID())
	default:
		w.openings = make(map[entry.Class][]byte, len(in.GetOpenings()))
		for _, o := range in.GetOpenings() {
			class := entry.Class(o.GetClass())
			if _, twice := w.openings[class]; twice {
				w.refusal = entry.Refuse(entry.CodeSealUnexpected, "two openings came for the %s part", class)
				break
			}
			w.openings[class] = o.GetOpening()
		}
	}
	return w, nil
}

// known finds what is logged already: it has its index, whatever has happened
// to its author or subject since.
func (b *batch) known(context.Context) error {
	return b.each(func(w *work) error {
		o, ok, err := b.log.Known(w.statement.ID())
		if err == nil && ok {
			w.logged = &o
		}
		return err
	})
}

// verify checks signatures under the registered keys, and that the caller may
// hand in what these authors signed.
func (b *batch) verify(context.Context) error {
	var works []*work
	var statements []*entry.Statement
	var keys []*entry.PublicKey
	err := b.each(func(w *work) error {
		author, ok, err := b.log.Author(w.statement.Author)
		if err != nil {
			return err
		}
		if !ok {
			return entry.Refuse(entry.CodeUnknownAuthor, "no author %s is enrolled", w.statement.Author)
		}
		if !mayRelay(b.who, author.ID, author.Role) {
			return wire.Refuse(wire.CodeSignerForbidden)
		}
		works, statements, keys = append(works, w), append(statements, w.statement), append(keys, author.Key)
		return nil
	})
	if err != nil {
		return err
	}
	for i, verdict := range b.verifier.Verify(statements, keys) {
		if err := works[i].refuse(verdict); err != nil {
			return err
		}
	}
	return nil
}

// open checks that the openings are those the statement commits to, and finds
// whose slot they go to.
func (b *batch) open(context.Context) error {
	return b.each(func(w *work) error {
		if w.statement.Parts == nil {
			if len(w.openings) > 0 {
				return entry.Refuse(entry.CodeSealUnexpected, "openings came with a statement that has no sealed part")
			}
			return nil
		}
		commitments := make(map[entry.Class]entry.Hash, len(w.openings))
		for class, opening := range w.openings {
			commitments[class] = entry.Commit(opening)
		}
		if len(commitments) == 0 {
			return entry.Refuse(entry.CodeNotSealed, "the statement has sealed parts and came without openings")
		}
		var err error
		if w.parts, err = entry.NewParts(commitments); err != nil {
			return err
		}
		if err := w.statement.CheckSealed(w.parts, w.openings, true); err != nil {
			return err
		}
		w.owner, err = b.owner(w.statement)
		return err
	})
}

// judge asks the log's own rules before anything is sealed, and the vault's
// about erasures. The log judges again when it orders.
func (b *batch) judge(ctx context.Context) error {
	works := b.pending()
	statements := make([]*entry.Statement, len(works))
	for i, w := range works {
		statements[i] = w.statement
	}
	verdicts, err := b.log.Precheck(uint64(b.cfg.Now().UnixMilli()), statements, nil)
	if err != nil {
		return fmt.Errorf("api: judge: %w", err)
	}
	for i, verdict := range verdicts {
		if verdict.Refusal != nil {
			works[i].refusal = known(verdict.Refusal)
		}
	}
	return b.each(func(w *work) error {
		if enrolsDevice(w.statement) {
			return b.checkDevice(w)
		}
		return b.checkErasure(ctx, w)
	})
}

// seal gives the openings to the vault of the jurisdiction.
func (b *batch) seal(ctx context.Context) error {
	var works []*work
	var records []vault.Record
	for _, w := range b.pending() {
		if w.statement.Parts == nil {
			continue
		}
		works = append(works, w)
		records = append(records, vault.Record{Statement: w.statement, Handle: w.owner, Parts: w.parts, Openings: w.openings})
	}
	if len(records) == 0 {
		return nil
	}
	v, err := b.vault(b.who.jurisdiction)
	if err != nil {
		return err
	}
	sealed, err := v.Seal(ctx, records)
	if err != nil {
		return fmt.Errorf("api: seal: %w", err)
	}
	for i, record := range sealed {
		works[i].sealedAt = record.At
		if record.Refusal != nil {
			works[i].refusal = known(record.Refusal)
		}
	}
	return nil
}

// laneFor is the lane in which statements are ordered together: the reserved one
// if each of them belongs there, so that no batch takes others along.
func laneFor(works []*work) raft.Lane {
	for _, w := range works {
		if w.rule.lane != raft.LaneReserved {
			return raft.LaneOrdinary
		}
	}
	return raft.LaneReserved
}

// order hands the statements to the log. When the outcome does not become
// known, that is what each of them is told.
func (b *batch) order(ctx context.Context) error {
	works := b.pending()
	if len(works) == 0 {
		return nil
	}
	items := make([]ledger.Item, len(works))
	for i, w := range works {
		items[i] = ledger.Item{Statement: w.statement.Bytes(), SealedAt: w.sealedAt}
	}
	outcomes, err := b.road.order(ctx, items, laneFor(works))
	if errors.Is(err, raft.ErrOutcomeUnknown) {
		for _, w := range works {
			w.unknown, w.refusal = true, wire.Refuse(entry.CodeOutcomeUnknown)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for i := range outcomes {
		if outcomes[i].Refusal != nil {
			works[i].refusal = known(outcomes[i].Refusal)
			continue
		}
		works[i].logged = &outcomes[i]
	}
	return nil
}

// outcomes waits for the checkpoint, if asked to, and says what became of each
// statement.
func (b *batch) outcomes(ctx context.Context, wait indeliblev1.Wait) ([]*indeliblev1.Outcome, error) {
	published, err := b.published(ctx, wait)
	if err != nil {
		return nil, err
	}
	out := make([]*indeliblev1.Outcome, len(b.works))
	for i, w := range b.works {
		if out[i], err = b.outcome(w, published); err != nil {
			return nil, err
		}
		b.metrics.outcome(w.kind(), out[i])
	}
	return out, nil
}

// published is a checkpoint that covers everything in the batch; nil when
// nothing needs one.
func (b *batch) published(ctx context.Context, wait indeliblev1.Wait) (*raft.Published, error) {
	var size uint64
	for _, w := range b.works {
		if w.logged != nil {
			size = max(size, w.logged.Index+1)
		}
	}
	if size == 0 || wait == indeliblev1.Wait_WAIT_COMMITTED {
		return nil, nil
	}
	return b.node.Await(ctx, size)
}

func (b *batch) outcome(w *work, published *raft.Published) (*indeliblev1.Outcome, error) {
	out := &indeliblev1.Outcome{Status: w.status()}
	if w.statement != nil {
		id := w.statement.ID()
		out.StatementId = id[:]
	}
	if w.refusal != nil {
		out.Refusal = wireRefusal(w.refusal)
		if w.refusal.Code != entry.CodeSubjectErased {
			return out, nil
		}
		var err error
		out.SignedRefusal, err = b.signRefusal(w.statement.ID(), w.refusal.Code)
		return out, err
	}
	out.Index, out.LedgerTimeMs = w.logged.Index, w.logged.LedgerTime
	out.Equivocation, out.Late = w.logged.Marked, w.logged.Late
	if w.logged.Duplicate {
		logged, _, err := b.log.Statement(w.logged.Index)
		if err != nil {
			return nil, fmt.Errorf("api: read entry %d: %w", w.logged.Index, err)
		}
		out.LoggedStatement = logged.Bytes()
	}
	if published == nil {
		return out, nil
	}
	receipt, err := b.prove(w.logged.Index, w.logged.LedgerTime, published)
	if err != nil {
		return nil, err
	}
	out.Receipt = receipt.Marshal()
	return out, nil
}
