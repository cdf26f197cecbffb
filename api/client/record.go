package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// Register asks the vault of a jurisdiction for the handle of a new subject, as a
// registrar. The same request id gives the same handle; nothing is in the log until
// a handle entry with it is appended. identifiers are what the subject can be found
// by, 1 to 256 bytes each. A *entry.Refusal ALREADY_REGISTERED is final.
func (c *Client) Register(ctx context.Context, jurisdiction string, request entry.RequestID, class entry.HandleClass, identifiers []string) (entry.Handle, error) {
	answer, err := call(ctx, c, jurisdiction, &indeliblev1.RegisterRequest{
		RequestId: request[:], Class: indeliblev1.HandleClass(class), Identifiers: identifiers,
	}, services.Register)
	if err != nil {
		return entry.Handle{}, c.denied(ctx, err)
	}
	if len(answer.GetHandle()) != entry.IDSize {
		return entry.Handle{}, fmt.Errorf("%w: it holds no handle", ErrAnswer)
	}
	return entry.Handle(answer.GetHandle()), nil
}

// Found is the answer to a lookup.
type Found struct {
	Handle entry.Handle
	Known  bool    // whether the identifier found anyone
	Access *Proven // the access entry that records the lookup
}

// Find looks a subject up by an identifier. The lookup is recorded in the log
// whether it finds anyone or not; of a refused one CallError.Access has the entry.
func (c *Client) Find(ctx context.Context, jurisdiction, identifier string, purpose entry.Purpose) (*Found, error) {
	answer, err := call(ctx, c, jurisdiction, &indeliblev1.FindRequest{
		Identifier: identifier, Purpose: indeliblev1.Purpose(purpose),
	}, services.Find)
	if err != nil {
		return nil, c.denied(ctx, err)
	}
	access, err := c.evidence(ctx, answer.GetAccess())
	if err != nil {
		return nil, err
	}
	found := &Found{Access: access}
	if raw := answer.GetHandle(); len(raw) == len(found.Handle) {
		found.Handle, found.Known = entry.Handle(raw), true
	}
	return found, nil
}

// denied proves the access entry of a refusal that carries one.
func (c *Client) denied(ctx context.Context, err error) error {
	var failed *CallError
	if !errors.As(err, &failed) || failed.denied == nil {
		return err
	}
	access, doubt := c.evidence(ctx, failed.denied)
	if doubt != nil {
		return errors.Join(err, doubt)
	}
	failed.Access = access
	return failed
}

// Record is one released record, checked against what its author signed: opening →
// commitment → digest → signature → log.
type Record struct {
	*Proven
	Parts map[entry.Class]Content // the opened parts that were asked for and still exist
}

// Page is one page of a read.
type Page struct {
	Records []Record
	Next    []byte  // token of the next page; empty when this was the last
	Access  *Proven // the access entry that made it possible
}

// ReadRequest says what is to be read.
type ReadRequest struct {
	Jurisdiction string
	Handle       entry.Handle
	Statements   []entry.StatementID // only these, at most 100; nil for all, by pages
	Identity     bool                // the identity part too, so that originals can be put together
	Purpose      entry.Purpose
	Page         []byte // token of the page, from Page.Next; empty for the first
	Limit        uint32 // records, at most 100; 0 means 25
}

// Read releases one page of a subject's records, oldest first. Every page is an
// access entry in the log before it is released; of a refused one CallError.Access
// has the entry.
func (c *Client) Read(ctx context.Context, r ReadRequest) (*Page, error) {
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
	answer, err := call(ctx, c, r.Jurisdiction, message, services.Read)
	if err != nil {
		return nil, c.denied(ctx, err)
	}
	page := &Page{Next: answer.GetNextPageToken()}
	if page.Access, err = c.evidence(ctx, answer.GetAccess()); err != nil {
		return nil, err
	}
	for _, released := range answer.GetRecords() {
		record, err := c.record(ctx, released)
		if err != nil {
			return nil, err
		}
		page.Records = append(page.Records, record)
	}
	return page, nil
}

// record follows a released record from its content back to the signature.
func (c *Client) record(ctx context.Context, r *indeliblev1.Record) (Record, error) {
	proven, err := c.proveBytes(ctx, r.GetStatement(), r.GetReceipt())
	if err != nil {
		return Record{}, err
	}
	parts, err := entry.ParseParts(r.GetParts())
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	signed := proven.Statement.Parts
	if signed == nil || parts.Digest() != *signed || sha256.Sum256(r.GetParts()) != *signed {
		return Record{}, fmt.Errorf("%w: the parts are not those the statement signs", ErrAnswer)
	}
	opened, err := open(parts, r.GetOpenings())
	return Record{Proven: proven, Parts: opened}, err
}

// open checks openings against the commitments that a statement signs.
func open(parts entry.Parts, openings []*indeliblev1.Opening) (map[entry.Class]Content, error) {
	contents := map[entry.Class]Content{}
	for _, o := range openings {
		class := entry.Class(o.GetClass())
		commitment, ok := parts.Get(class)
		if !ok || entry.Commit(o.GetOpening()) != commitment {
			return nil, fmt.Errorf("%w: an opening does not open the commitment the statement signs", ErrAnswer)
		}
		opening, err := entry.ParseOpening(o.GetOpening())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		contents[class] = Content{MediaType: opening.MediaType, Bytes: opening.Content}
	}
	return contents, nil
}
