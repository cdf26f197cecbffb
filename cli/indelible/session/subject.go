package session

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest/fhir"
	"indelible/ledger/entry"
)

// Found is the answer to a lookup.
type Found struct {
	Handle entry.Handle
	Known  bool   // whether the identifier found anyone
	Access *Entry // the access entry that records the lookup
}

// Denied is a read or lookup the node refused, with the entry that says so.
type Denied struct {
	Problem error
	Access  *Entry
}

// Error is the refusal.
func (d *Denied) Error() string { return d.Problem.Error() }

// Unwrap makes the refusal visible to errors.As.
func (d *Denied) Unwrap() error { return d.Problem }

// Find looks a subject up by an identifier. The lookup is recorded in the log
// whether it finds anyone or not.
func (s *Session) Find(ctx context.Context, jurisdiction, identifier string, purpose entry.Purpose) (*Found, error) {
	answer, err := s.Subjects.Find(ctx, request(jurisdiction, &indeliblev1.FindRequest{
		Identifier: identifier, Purpose: indeliblev1.Purpose(purpose),
	}))
	if err != nil {
		return nil, s.denied(err)
	}
	access, err := s.evidence(answer.Msg.GetAccess())
	if err != nil {
		return nil, err
	}
	found := &Found{Access: access}
	if raw := answer.Msg.GetHandle(); len(raw) == len(found.Handle) {
		found.Handle, found.Known = entry.Handle(raw), true
	}
	return found, nil
}

// denied adds the recorded access entry to a refusal that carries one.
func (s *Session) denied(err error) error {
	problem := s.problem(err)
	var c *connect.Error
	if !errors.As(err, &c) {
		return problem
	}
	d := detail[indeliblev1.AccessDenied](c)
	if d == nil {
		return problem
	}
	access, proofErr := s.evidence(d.GetAccess())
	if proofErr != nil {
		return errors.Join(problem, proofErr)
	}
	recorded := *say.AsProblem(problem)
	recorded.What = fmt.Sprintf("%s (access entry %d)", strings.TrimSuffix(recorded.What, "."), access.Index)
	return &Denied{Problem: &recorded, Access: access}
}

// Record is one released record, checked against what its author signed.
type Record struct {
	*Entry
	MediaType string // of Clinical
	Clinical  []byte // the clinical part's content
	Original  []byte // FHIR with its identity part put back, byte for byte; nil without that part
}

// Page is one page of a read.
type Page struct {
	Records []Record
	Next    []byte // token of the next page; empty when this was the last
	Access  *Entry // the access entry that made it possible
}

// ReadRequest says what is to be read.
type ReadRequest struct {
	Jurisdiction string
	Handle       entry.Handle
	Statements   []entry.StatementID // only these; nil for all, by pages
	Identity     bool                // the identity part too, so that originals come back
	Purpose      entry.Purpose
	Page         []byte // token of the page; empty for the first
	Limit        uint32
}

// Read releases one page of a subject's records.
func (s *Session) Read(ctx context.Context, r ReadRequest) (*Page, error) {
	message := &indeliblev1.ReadRequest{
		Handle: r.Handle[:], Purpose: indeliblev1.Purpose(r.Purpose), PageToken: r.Page, Limit: r.Limit,
		Parts: []indeliblev1.Class{indeliblev1.Class_CLASS_CLINICAL},
	}
	if r.Identity {
		message.Parts = append(message.Parts, indeliblev1.Class_CLASS_IDENTITY)
	}
	for _, id := range r.Statements {
		message.StatementIds = append(message.StatementIds, id[:])
	}
	answer, err := s.Records.Read(ctx, request(r.Jurisdiction, message))
	if err != nil {
		return nil, s.denied(err)
	}
	page := &Page{Next: answer.Msg.GetNextPageToken()}
	if page.Access, err = s.evidence(answer.Msg.GetAccess()); err != nil {
		return nil, err
	}
	for _, record := range answer.Msg.GetRecords() {
		checked, err := s.record(record)
		if err != nil {
			return nil, err
		}
		page.Records = append(page.Records, *checked)
	}
	return page, nil
}

var (
	errParts   = errors.New("the parts are not those the statement signs")
	errOpening = errors.New("an opening does not open the commitment the statement signs")
)

// record follows a released record from its content back to the signature: the
// opening hashes to the commitment, the commitments to the digest, the digest
// is signed, the statement is in the log.
func (s *Session) record(r *indeliblev1.Record) (*Record, error) {
	statement, err := entry.Parse(r.GetStatement())
	if err != nil {
		return nil, NotProven(err)
	}
	proven, err := s.prove(statement, r.GetReceipt())
	if err != nil {
		return nil, err
	}
	parts, err := entry.ParseParts(r.GetParts())
	if err != nil {
		return nil, NotProven(err)
	}
	if statement.Parts == nil || parts.Digest() != *statement.Parts || sha256.Sum256(r.GetParts()) != *statement.Parts {
		return nil, NotProven(errParts)
	}
	out := &Record{Entry: proven}
	return out, out.open(parts, r.GetOpenings())
}

func (r *Record) open(parts entry.Parts, openings []*indeliblev1.Opening) error {
	contents := map[entry.Class]*entry.Opening{}
	for _, o := range openings {
		class := entry.Class(o.GetClass())
		commitment, ok := parts.Get(class)
		if !ok || entry.Commit(o.GetOpening()) != commitment {
			return NotProven(errOpening)
		}
		opening, err := entry.ParseOpening(o.GetOpening())
		if err != nil {
			return NotProven(err)
		}
		contents[class] = opening
	}
	clinical, identity := contents[entry.ClassClinical], contents[entry.ClassIdentity]
	if clinical == nil {
		return nil
	}
	r.MediaType, r.Clinical = clinical.MediaType, clinical.Content
	if identity == nil || identity.MediaType != entry.MediaTypeSpans {
		return nil
	}
	original, err := fhir.Splice(clinical.Content, identity.Content)
	if err != nil {
		return NotProven(err)
	}
	r.Original = bytes.Clone(original)
	return nil
}
