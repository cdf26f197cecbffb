package api

import (
	"context"
	"errors"
	"fmt"

	"indelible/api/edge"
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
	b := &batch{server: s, who: edge.CallerOf(ctx), byOpen: open}
	for _, one := range in {
		sub, err := b.read(one)
		if err != nil {
			return nil, err
		}
		b.submissions = append(b.submissions, sub)
	}
	for i, run := range b.runs() {
		if err := run.take(ctx); i > 0 && err != nil {
			return nil, unsettled(err)
		} else if err != nil {
			return nil, err
		}
	}
	out, err := b.outcomes(ctx, wait)
	return out, unsettled(err)
}

// runs are the parts of a batch that are taken together, in its order. Of erasures
// and holds each goes alone: the vault judges it by what it has been told of those
// before, and learns of them only once they are logged.
func (b *batch) runs() []*batch {
	var runs []*batch
	for i, sub := range b.submissions {
		if i == 0 || sub.rule == erasing || b.submissions[i-1].rule == erasing {
			runs = append(runs, &batch{server: b.server, who: b.who, byOpen: b.byOpen})
		}
		run := runs[len(runs)-1]
		run.submissions = append(run.submissions, sub)
	}
	return runs
}

// take brings what can be taken into the log and settles it there.
func (b *batch) take(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		b.known, b.verify, b.open, b.judge, b.seal, b.order,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return unsettled(b.settle(ctx))
}

// read parses a statement and checks that it came the right way: a kind that
// this RPC takes from this caller, in the jurisdiction the call named.
func (b *batch) read(in *indeliblev1.Submission) (*submission, error) {
	sub := &submission{}
	raw, err := entry.NormalizeSignature(in.GetStatement())
	if err != nil {
		return sub, sub.refuse(err)
	}
	if sub.statement, err = entry.Parse(raw); err != nil {
		return sub, sub.refuse(err)
	}
	sub.rule = kindRuleOf(sub.statement)
	sub.refusal = sub.rule.refusal(b.who, b.byOpen)
	switch {
	case sub.refusal != nil:
	case b.who.Jurisdiction != "" && sub.statement.Jurisdiction != b.who.Jurisdiction:
		sub.refusal = entry.Refuse(entry.CodeWrongJurisdiction, "the statement belongs to another jurisdiction than the call names")
	case entry.LogID(sub.statement.LogID()) != b.server.log.ID():
		sub.refusal = entry.Refuse(entry.CodeWrongLog, "the statement is addressed to another log than %s", b.server.log.ID())
	default:
		sub.openings = make(map[entry.Class][]byte, len(in.GetOpenings()))
		for _, o := range in.GetOpenings() {
			class := entry.Class(o.GetClass())
			if _, twice := sub.openings[class]; twice {
				sub.refusal = entry.Refuse(entry.CodeSealUnexpected, "two openings came for the %s part", class)
				break
			}
			sub.openings[class] = o.GetOpening()
		}
	}
	return sub, nil
}

// known finds what is logged already: it has its index, whatever has happened
// to its author or subject since.
func (b *batch) known(context.Context) error {
	return b.each(func(sub *submission) error {
		o, ok, err := b.server.log.Known(sub.statement.ID())
		if err == nil && ok {
			sub.logged = &o
		}
		return err
	})
}

// verify checks signatures under the registered keys, and that the caller may
// hand in what these authors signed.
func (b *batch) verify(context.Context) error {
	var submissions []*submission
	var statements []*entry.Statement
	var keys []*entry.PublicKey
	err := b.each(func(sub *submission) error {
		author, ok, err := b.server.log.Author(sub.statement.Author)
		if err != nil {
			return err
		}
		if !ok {
			return entry.Refuse(entry.CodeUnknownAuthor, "no author %s is enrolled", sub.statement.Author)
		}
		if !mayRelay(b.who, author.ID, author.Role) {
			return wire.Refuse(wire.CodeSignerForbidden)
		}
		submissions, statements, keys = append(submissions, sub), append(statements, sub.statement), append(keys, author.Key)
		return nil
	})
	if err != nil {
		return err
	}
	for i, verdict := range b.server.verifier.Verify(statements, keys) {
		if err := submissions[i].refuse(verdict); err != nil {
			return err
		}
	}
	return nil
}

// open checks that the openings are those the statement commits to, and finds
// whose slot they go to.
func (b *batch) open(context.Context) error {
	return b.each(func(sub *submission) error {
		if sub.statement.Parts == nil {
			if len(sub.openings) > 0 {
				return entry.Refuse(entry.CodeSealUnexpected, "openings came with a statement that has no sealed part")
			}
			return nil
		}
		commitments := make(map[entry.Class]entry.Hash, len(sub.openings))
		for class, opening := range sub.openings {
			commitments[class] = entry.Commit(opening)
		}
		if len(commitments) == 0 {
			return entry.Refuse(entry.CodeNotSealed, "the statement has sealed parts and came without openings")
		}
		var err error
		if sub.parts, err = entry.NewParts(commitments); err != nil {
			return err
		}
		if err := sub.statement.CheckSealed(sub.parts, sub.openings, true); err != nil {
			return err
		}
		sub.owner, err = b.server.replica.owner(sub.statement)
		return err
	})
}

// judge asks the log's own rules before anything is sealed, and the vault's
// about erasures. The log judges again when it orders.
func (b *batch) judge(ctx context.Context) error {
	submissions := b.pending()
	statements := make([]*entry.Statement, len(submissions))
	for i, sub := range submissions {
		statements[i] = sub.statement
	}
	verdicts, err := b.server.log.Precheck(uint64(b.server.cfg.Now().UnixMilli()), statements, nil)
	if err != nil {
		return fmt.Errorf("api: judge: %w", err)
	}
	for i, verdict := range verdicts {
		if verdict.Refusal != nil {
			submissions[i].refusal = edge.Known(verdict.Refusal)
		}
	}
	return b.each(func(sub *submission) error {
		if enrolsDevice(sub.statement) {
			return b.checkDevice(sub)
		}
		return b.checkErasure(ctx, sub)
	})
}

// seal gives the openings to the vault of the jurisdiction.
func (b *batch) seal(ctx context.Context) error {
	var submissions []*submission
	var records []vault.Record
	for _, sub := range b.pending() {
		if sub.statement.Parts == nil {
			continue
		}
		submissions = append(submissions, sub)
		records = append(records, vault.Record{Statement: sub.statement, Handle: sub.owner, Parts: sub.parts, Openings: sub.openings})
	}
	if len(records) == 0 {
		return nil
	}
	v, err := b.server.vault(b.who.Jurisdiction)
	if err != nil {
		return err
	}
	sealed, err := v.Seal(ctx, records)
	if err != nil {
		return fmt.Errorf("api: seal: %w", err)
	}
	for i, record := range sealed {
		submissions[i].sealedAt = record.At
		if record.Refusal != nil {
			submissions[i].refusal = edge.Known(record.Refusal)
		}
	}
	return nil
}

// laneFor is the lane in which statements are ordered together: the reserved one
// if each of them belongs there, so that no batch takes others along.
func laneFor(submissions []*submission) raft.Lane {
	for _, sub := range submissions {
		if sub.rule.lane != raft.LaneReserved {
			return raft.LaneOrdinary
		}
	}
	return raft.LaneReserved
}

// order hands the statements to the log. When the outcome does not become
// known, that is what each of them is told.
func (b *batch) order(ctx context.Context) error {
	submissions := b.pending()
	if len(submissions) == 0 {
		return nil
	}
	items := make([]ledger.Item, len(submissions))
	for i, sub := range submissions {
		items[i] = ledger.Item{Statement: sub.statement.Bytes(), SealedAt: sub.sealedAt}
	}
	outcomes, err := b.server.replica.order(ctx, items, laneFor(submissions))
	if errors.Is(err, raft.ErrOutcomeUnknown) {
		for _, sub := range submissions {
			sub.unknown, sub.refusal = true, wire.Refuse(entry.CodeOutcomeUnknown)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for i := range outcomes {
		if outcomes[i].Refusal != nil {
			submissions[i].refusal = edge.Known(outcomes[i].Refusal)
			continue
		}
		submissions[i].logged = &outcomes[i]
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
	out := make([]*indeliblev1.Outcome, len(b.submissions))
	for i, sub := range b.submissions {
		if out[i], err = b.outcome(sub, published); err != nil {
			return nil, err
		}
		b.server.counted(sub.kind(), out[i])
	}
	return out, nil
}

// published is a checkpoint that covers everything in the batch; nil when
// nothing needs one.
func (b *batch) published(ctx context.Context, wait indeliblev1.Wait) (*raft.Published, error) {
	var size uint64
	for _, sub := range b.submissions {
		if sub.logged != nil {
			size = max(size, sub.logged.Index+1)
		}
	}
	if size == 0 || wait == indeliblev1.Wait_WAIT_COMMITTED {
		return nil, nil
	}
	return b.server.node.Await(ctx, size)
}

func (b *batch) outcome(sub *submission, published *raft.Published) (*indeliblev1.Outcome, error) {
	out := &indeliblev1.Outcome{Status: sub.status()}
	if sub.statement != nil {
		id := sub.statement.ID()
		out.StatementId = id[:]
	}
	if sub.refusal != nil {
		out.Refusal = edge.WireRefusal(sub.refusal)
		if sub.refusal.Code != entry.CodeSubjectErased {
			return out, nil
		}
		var err error
		out.SignedRefusal, err = b.server.signRefusal(sub.statement.ID(), sub.refusal.Code)
		return out, err
	}
	out.Index, out.LedgerTimeMs = sub.logged.Index, sub.logged.LedgerTime
	out.Equivocation, out.Late = sub.logged.Marked, sub.logged.Late
	if sub.logged.Duplicate {
		logged, _, err := b.server.log.Statement(sub.logged.Index)
		if err != nil {
			return nil, fmt.Errorf("api: read entry %d: %w", sub.logged.Index, err)
		}
		out.LoggedStatement = logged.Bytes()
	}
	if published == nil {
		return out, nil
	}
	receipt, err := b.server.replica.prove(sub.logged.Index, sub.logged.LedgerTime, published)
	if err != nil {
		return nil, err
	}
	out.Receipt = receipt.Marshal()
	return out, nil
}
