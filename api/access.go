package api

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
	"indelible/proof"
)

// access is what an access entry is to say of a call.
type access struct {
	rpc     string
	action  entry.AccessAction
	outcome entry.Outcome
	purpose entry.Purpose
	subject *entry.Handle // whose data; nil where there is no one subject
	ids     []entry.StatementID
	fields  []string
}

// recorded is an access entry that is in the log, with its receipt: what the
// vault wants to see before it opens anything, and the caller's evidence.
type recorded struct {
	statement *entry.Statement
	opening   []byte
	receipt   *proof.Receipt
	staff     entry.Handle // the accessor's own handle
}

// grant is the evidence for the vault.
func (r *recorded) grant() vault.Grant {
	return vault.Grant{Receipt: r.receipt, Statement: r.statement, Opening: r.opening}
}

func (r *recorded) evidence() *indeliblev1.Evidence {
	return &indeliblev1.Evidence{
		Statement: r.statement.Bytes(), Index: r.receipt.Index,
		LedgerTimeMs: r.receipt.LedgerTime, Receipt: r.receipt.Marshal(),
	}
}

// denied is the answer to a call whose refusal has been recorded.
func (r *recorded) denied(with *entry.Refusal) error {
	return edge.Answer{Refusal: with, Beside: []proto.Message{&indeliblev1.AccessDenied{Access: r.evidence()}}}
}

// record writes the access entry of a call and waits for its receipt
// (DESIGN §6). Nothing may be released before it returns without error; with an
// error, whatever it is, nothing is released at all.
func (s *Server) record(ctx context.Context, v *vault.Vault, a access) (*recorded, error) {
	r, err := s.write(ctx, v, a)
	if a.outcome != entry.OutcomePermit && a.subject != nil && isRefusal(err) {
		a.subject = nil // its audit key is destroyed: the accessor's own slot takes the record
		return s.write(ctx, v, a)
	}
	return r, err
}

func isRefusal(err error) bool {
	var refusal *entry.Refusal
	return errors.As(err, &refusal)
}

// write is record without a second attempt.
func (s *Server) write(ctx context.Context, v *vault.Vault, a access) (*recorded, error) {
	who := edge.CallerOf(ctx)
	staff, err := s.staffHandle(ctx, v, who)
	if err != nil {
		return nil, err
	}
	about := staff
	if a.subject != nil {
		about = *a.subject
	}
	guard, err := v.Guard(ctx, about)
	if err != nil {
		return nil, err
	}
	own, err := s.own(entry.Draft{
		Kind: entry.KindAccess, Sub: entry.SubOfHandle(about), Jurisdiction: who.Jurisdiction,
		Body: &entry.Access{Accessor: staff, Action: a.action, Outcome: a.outcome, Purpose: a.purpose, Position: s.log.Size()},
	}, entry.ClassAudit, entry.AccessAudit{
		User: who.User, IP: who.Address, UserAgent: who.Agent, Fields: a.fields,
		RequestHash: entry.RequestHash(a.rpc, a.ids, a.fields, who.ID), Guard: guard,
	})
	if err != nil {
		return nil, err
	}
	if a.outcome == entry.OutcomePermit {
		if err := v.Admit(own.Statement.ID()); err != nil {
			return nil, err
		}
	}
	receipt, err := s.writeOwn(ctx, v, own)
	if err != nil {
		return nil, err
	}
	s.metrics.accesses.WithLabelValues(a.action.String(), a.outcome.String()).Inc()
	return &recorded{statement: own.Statement, opening: own.Openings[entry.ClassAudit], receipt: receipt, staff: staff}, nil
}

// failed records that a call the policy permits released nothing after all, and
// answers with that entry beside the reason. What is no refusal, but a fault or
// an outcome that is not known, stays what it is.
func (s *Server) failed(ctx context.Context, v *vault.Vault, a access, cause error) error {
	var refusal *entry.Refusal
	if !errors.As(cause, &refusal) {
		return cause
	}
	a.outcome = entry.OutcomeFail
	r, err := s.record(ctx, v, a)
	if err != nil {
		return err
	}
	return r.denied(edge.Known(refusal))
}

// own makes a statement of the node's own about a handle, here and now, with one
// sealed part.
func (s *Server) own(d entry.Draft, class entry.Class, content interface{ EncodeContent() ([]byte, error) }) (vault.Record, error) {
	encoded, err := content.EncodeContent()
	if err != nil {
		return vault.Record{}, err
	}
	opening, err := entry.NewOpening(s.cfg.Rand, entry.MediaTypeCBOR, encoded)
	if err != nil {
		return vault.Record{}, err
	}
	if encoded, err = opening.Encode(); err != nil {
		return vault.Record{}, err
	}
	parts, err := entry.NewParts(map[entry.Class]entry.Hash{class: entry.Commit(encoded)})
	if err != nil {
		return vault.Record{}, err
	}
	digest, request := parts.Digest(), entry.RequestID{}
	if _, err := io.ReadFull(s.cfg.Rand, request[:]); err != nil {
		return vault.Record{}, fmt.Errorf("api: draw a request id: %w", err)
	}
	d.Log, d.Request, d.Parts, d.IssuedAt = s.log.ID(), &request, &digest, uint64(s.cfg.Now().UnixMilli())
	statement, err := d.Sign(s.cfg.Rand, s.cfg.AuthorKey)
	if err != nil {
		return vault.Record{}, fmt.Errorf("api: sign: %w", err)
	}
	return vault.Record{Statement: statement, Handle: d.Sub.Handle(), Parts: parts, Openings: map[entry.Class][]byte{class: encoded}}, nil
}

// writeOwn seals a statement of the node's own, appends it in the reserved lane
// and waits for its receipt.
func (s *Server) writeOwn(ctx context.Context, v *vault.Vault, record vault.Record) (*proof.Receipt, error) {
	sealed, err := v.Seal(ctx, []vault.Record{record})
	if err != nil {
		return nil, fmt.Errorf("api: seal: %w", err)
	}
	if sealed[0].Refusal != nil {
		return nil, sealed[0].Refusal
	}
	receipt, _, err := s.replica.append(ctx, record.Statement, sealed[0].At)
	return receipt, err
}

// staffHandle is the handle by which the log knows the caller, registered at
// first use: the vault allocates it, the node signs the entry that opens it.
// Of callers that arrive together one does that and the others wait.
func (s *Server) staffHandle(ctx context.Context, v *vault.Vault, who *edge.Caller) (entry.Handle, error) {
	h, err := v.StaffHandle(ctx, who.ID)
	if err != nil {
		return entry.Handle{}, err
	}
	if _, open, err := s.log.Handle(h); err != nil || open {
		return h, err
	}
	_, err, _ = s.opening.Do(h.String(), func() (any, error) { return nil, s.openStaff(ctx, v, h, who.Jurisdiction) })
	return h, err
}

func (s *Server) openStaff(ctx context.Context, v *vault.Vault, h entry.Handle, jurisdiction string) error {
	own, err := s.own(entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleStaff, At: uint64(s.cfg.Now().UnixMilli())},
	}, entry.ClassIdentity, entry.HandleLink{})
	if err != nil {
		return err
	}
	_, err = s.writeOwn(ctx, v, own)
	if errors.Is(err, &entry.Refusal{Code: entry.CodeHandleExists}) {
		return nil // another node was faster
	}
	return err
}
