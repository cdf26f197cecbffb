package api

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
)

// Limits of one page of a read.
const (
	defaultPage  = 25 // records
	maxPage      = vault.MaxReleased
	maxScan      = 4096     // entries of a subject looked at for one page
	maxReadBytes = 32 << 20 // openings of one answer; the rest comes with the next page
)

// Read implements indeliblev1connect.RecordsServiceHandler.
func (s handlers) Read(ctx context.Context, in *connect.Request[indeliblev1.ReadRequest]) (*connect.Response[indeliblev1.ReadResponse], error) {
	v, err := s.vault(edge.CallerOf(ctx).Jurisdiction)
	if err != nil {
		return nil, err
	}
	pages, from, foreign := pageOf(edge.CallerOf(ctx).Jurisdiction, in.Msg)
	fields, classes := fieldNames(in.Msg.GetParts())
	page, verdict, err := s.judgeRead(ctx, in.Msg, from, classes)
	switch {
	case err != nil:
		return nil, err
	case verdict == nil && foreign != nil: // a denial is recorded first, whatever the token
		return nil, foreign
	}
	a := access{
		rpc: indeliblev1connect.RecordsServiceReadProcedure, action: entry.AccessRead, outcome: outcomeOf(verdict),
		purpose: entry.Purpose(in.Msg.GetPurpose()), subject: page.subject, ids: page.ids(), fields: fields,
	}
	r, err := s.record(ctx, v, a)
	switch {
	case err != nil && verdict == nil:
		return nil, s.failed(ctx, v, a, err)
	case err != nil:
		return nil, err
	case verdict != nil:
		return nil, r.denied(verdict)
	}
	released, err := v.Release(ctx, r.grant(), vault.Request{
		RPC: a.rpc, Statements: a.ids, Fields: fields, Caller: edge.CallerOf(ctx).ID, Handle: *page.subject,
	})
	if err != nil {
		return nil, s.failed(ctx, v, a, err)
	}
	out, err := s.present(ctx, page, released)
	if err != nil {
		return nil, err
	}
	out.NextPageToken, out.Access = pages.at(page.next), r.evidence()
	return connect.NewResponse(out), nil
}

// outcomeOf is how the log calls a verdict.
func outcomeOf(verdict *entry.Refusal) entry.Outcome {
	switch {
	case verdict == nil:
		return entry.OutcomePermit
	case verdict.Code == wire.CodeAccessDenied:
		return entry.OutcomeDeny
	}
	return entry.OutcomeFail
}

// page is the part of a subject's records one call releases.
type page struct {
	subject *entry.Handle // nil when the log knows no such subject here
	entries []pageEntry
	next    uint64 // the place where the next page begins; 0 when this is the last
}

type pageEntry struct {
	place             uint64 // where a page that begins with it begins
	index, ledgerTime uint64
	statement         *entry.Statement
}

func (p *page) ids() []entry.StatementID {
	ids := make([]entry.StatementID, len(p.entries))
	for i, e := range p.entries {
		ids[i] = e.statement.ID()
	}
	return ids
}

// judgeRead decides whether the caller may read and, if so, what is on the
// page. A verdict is why not; it is recorded before it is answered.
func (s *Server) judgeRead(ctx context.Context, in *indeliblev1.ReadRequest, from uint64, classes []entry.Class) (*page, *entry.Refusal, error) {
	who, h := edge.CallerOf(ctx), entry.Handle(in.GetHandle())
	handle, ok, err := s.log.Handle(h)
	if err != nil {
		return nil, nil, err
	}
	p := &page{}
	if ok && handle.Jurisdiction == who.Jurisdiction && handle.Class != entry.HandleStaff {
		p.subject = &h
	}
	if !permitted(who, entry.AccessRead, entry.Purpose(in.GetPurpose()), classes) {
		return p, wire.Refuse(wire.CodeAccessDenied), nil
	}
	if p.subject == nil {
		return p, entry.Refuse(entry.CodeUnknownSubject, "no subject has this handle in this jurisdiction"), nil
	}
	if len(in.GetStatementIds()) > 0 {
		verdict, err := s.pick(p, in.GetStatementIds(), from, classes)
		return p, verdict, err
	}
	return p, nil, s.walk(p, from, maxScan, limitOr(in.GetLimit(), defaultPage, maxPage), classes)
}

// walk fills a page with the subject's next records, up to limit of them, and
// looks at no more than scan entries for it.
func (s *Server) walk(p *page, from uint64, scan, limit int, classes []entry.Class) error {
	indexes, err := s.log.ByHandle(*p.subject, from, scan)
	if err != nil {
		return fmt.Errorf("api: list entries: %w", err)
	}
	for _, index := range indexes {
		if len(p.entries) == limit {
			p.next = index
			return nil
		}
		statement, time, err := s.log.Statement(index)
		if err != nil {
			return fmt.Errorf("api: read entry %d: %w", index, err)
		}
		if holds(statement, classes) {
			p.entries = append(p.entries, pageEntry{place: index, index: index, ledgerTime: time, statement: statement})
		}
	}
	if len(indexes) == scan {
		p.next = indexes[scan-1] + 1
	}
	return nil
}

// pick fills a page with named records, which must be of this subject. Their
// places are those in the request.
func (s *Server) pick(p *page, ids [][]byte, from uint64, classes []entry.Class) (*entry.Refusal, error) {
	for i, id := range ids {
		if uint64(i) < from {
			continue
		}
		index, ok, err := s.log.Find(entry.StatementID(id))
		if err != nil {
			return nil, err
		}
		var statement *entry.Statement
		var time uint64
		if ok {
			if statement, time, err = s.log.Statement(index); err != nil {
				return nil, err
			}
			owner, err := s.replica.owner(statement)
			if err != nil {
				return nil, err
			}
			ok = owner == *p.subject && holds(statement, classes)
		}
		if !ok {
			p.entries = nil
			return entry.Refuse(entry.CodeUnknownRecord, "statement %d of the request is no such record of this subject", i), nil
		}
		p.entries = append(p.entries, pageEntry{place: uint64(i), index: index, ledgerTime: time, statement: statement})
	}
	return nil, nil
}

// holds reports whether a statement's record can have a part of these classes
// that a read may show. The sealed parts of handles and enrolments join a
// subject's names and devices; they are for reports, not for reads.
func holds(s *entry.Statement, classes []entry.Class) bool {
	switch s.Kind {
	case entry.KindReading, entry.KindCorrection:
		return true
	case entry.KindConsent:
		return s.Parts != nil && classes[len(classes)-1] == entry.ClassIdentity
	}
	return false
}

// present puts the released records into an answer, as many as fit. What does
// not begins the next page.
func (s *Server) present(ctx context.Context, p *page, released []vault.Released) (*indeliblev1.ReadResponse, error) {
	byID := make(map[entry.StatementID]vault.Released, len(released))
	for _, r := range released {
		byID[r.ID] = r
	}
	out := &indeliblev1.ReadResponse{}
	size := 0
	for _, e := range p.entries {
		r, ok := byID[e.statement.ID()]
		if !ok {
			continue
		}
		receipt, err := s.replica.await(ctx, e.index, e.ledgerTime)
		if err != nil {
			return nil, err
		}
		record := wireRecord(e, r, receipt.Marshal())
		for _, o := range record.GetOpenings() {
			size += len(o.GetOpening())
		}
		if size > maxReadBytes && len(out.Records) > 0 {
			p.next = e.place
			break
		}
		out.Records = append(out.Records, record)
	}
	return out, nil
}

func wireRecord(e pageEntry, r vault.Released, receipt []byte) *indeliblev1.Record {
	id := e.statement.ID()
	out := &indeliblev1.Record{
		StatementId: id[:], Statement: e.statement.Bytes(), Index: e.index, LedgerTimeMs: e.ledgerTime,
		Receipt: receipt, Parts: r.Parts.Encode(),
	}
	for _, class := range r.Parts.Classes() {
		if opening, ok := r.Openings[class]; ok {
			out.Openings = append(out.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(class), Opening: opening})
		}
	}
	return out
}

func limitOr(asked uint32, otherwise, most int) int {
	if asked == 0 {
		return otherwise
	}
	return min(int(asked), most)
}
