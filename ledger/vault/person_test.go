package vault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// person is a subject, what it is found by, and what was written about it.
type person struct {
	identifier string
	handle     entry.Handle
	device     *ledgertest.Device
	binding    entry.BindingID
	readings   []reading
}

// reading is what was sealed, in clear, to compare with.
type reading struct {
	id                 entry.StatementID
	clinical, identity []byte
}

func (s *site) opening(mediaType string, content []byte) []byte {
	s.tb.Helper()
	o, err := entry.NewOpening(s.random, mediaType, content)
	if err != nil {
		s.tb.Fatal(err)
	}
	encoded, err := o.Encode()
	if err != nil {
		s.tb.Fatal(err)
	}
	return encoded
}

func partsOf(tb testing.TB, openings map[entry.Class][]byte) (entry.Parts, *entry.Hash) {
	tb.Helper()
	commitments := make(map[entry.Class]entry.Hash)
	for class, opening := range openings {
		commitments[class] = entry.Commit(opening)
	}
	parts, err := entry.NewParts(commitments)
	if err != nil {
		tb.Fatal(err)
	}
	digest := parts.Digest()
	return parts, &digest
}

// record signs a draft whose parts are these openings.
func (s *site) record(k *ledgertest.Key, d entry.Draft, h entry.Handle, openings map[entry.Class][]byte) Record {
	s.tb.Helper()
	parts, digest := partsOf(s.tb, openings)
	d.Parts = digest
	return Record{Statement: s.world.Sign(k, d), Handle: h, Parts: parts, Openings: openings}
}

// submit seals records and appends their statements.
func (s *site) submit(records ...Record) error {
	s.tb.Helper()
	sealed, err := s.vault.Seal(context.Background(), records)
	if err != nil {
		return err
	}
	var items []ledger.Item
	for i, r := range records {
		if sealed[i].Refusal != nil {
			return sealed[i].Refusal
		}
		items = append(items, ledger.Item{Statement: r.Statement.Bytes(), SealedAt: sealed[i].At})
	}
	for _, o := range s.append(items...) {
		if o.Refusal != nil {
			return o.Refusal
		}
	}
	return nil
}

// within lets a subtest fail by itself.
func (s *site) within(t *testing.T, f func()) {
	outer := s.tb
	s.tb = t
	defer func() { s.tb = outer }()
	f()
}

func (s *site) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// register opens a subject with a device, through vault and log.
func (s *site) register(identifier string) (*person, error) {
	s.tb.Helper()
	w, ctx := s.world, context.Background()
	h, err := s.vault.OpenSubject(ctx, SubjectRequest{
		Request: entry.RequestID(w.ID()), Class: entry.HandleSubject, Identifiers: []string{identifier},
	})
	if err != nil {
		return nil, err
	}
	p := &person{identifier: identifier, handle: h, device: &ledgertest.Device{Key: w.DeviceKey(), Boot: 1}}
	if err := s.submit(s.openHandle(h), s.enrol(p)); err != nil {
		return nil, err
	}
	var bind *entry.Statement
	p.binding, bind = w.Bind(p.device, h, euGroup)
	s.mustAppend(bind)
	return p, nil
}

func (s *site) openHandle(h entry.Handle) Record {
	s.tb.Helper()
	link, err := entry.HandleLink{}.EncodeContent()
	s.must(err)
	return s.record(s.world.Registrars[0], entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: euGroup,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleSubject, At: s.world.Now},
	}, h, map[entry.Class][]byte{entry.ClassIdentity: s.opening(entry.MediaTypeCBOR, link)})
}

func (s *site) enrol(p *person) Record {
	s.tb.Helper()
	chain, err := entry.AuthorIdentity{Chain: [][]byte{[]byte("certificate of " + p.identifier)}}.EncodeContent()
	s.must(err)
	return s.record(s.world.Registrars[0], entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(p.handle), Jurisdiction: euGroup,
		Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: p.device.Key.SPKI(), Role: entry.RoleDevice, Jurisdictions: []string{euGroup},
		},
	}, p.handle, map[entry.Class][]byte{entry.ClassIdentity: s.opening(entry.MediaTypeCBOR, chain)})
}

// reading makes a reading's record; write submits one and remembers it.
func (s *site) reading(p *person, clinical, identity []byte) Record {
	s.tb.Helper()
	r := s.record(p.device.Key, p.device.Next(entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(p.binding), Jurisdiction: euGroup,
	}), p.handle, map[entry.Class][]byte{
		entry.ClassClinical: s.opening(entry.MediaTypeFHIR, clinical),
		entry.ClassIdentity: s.opening(entry.MediaTypeSpans, identity),
	})
	id := r.Statement.ID()
	p.device.Prev = &id
	return r
}

func (s *site) write(p *person) error {
	s.tb.Helper()
	n := len(p.readings)
	clinical := fmt.Appendf(nil, `{"resourceType":"Observation","canary":"CLINICAL-%s-%d"}`, p.handle, n)
	identity := fmt.Appendf(nil, "CANARY-IDENTITY-%s-%d", p.identifier, n)
	r := s.reading(p, clinical, identity)
	if err := s.submit(r); err != nil {
		return err
	}
	p.readings = append(p.readings, reading{r.Statement.ID(), r.Openings[entry.ClassClinical], r.Openings[entry.ClassIdentity]})
	return nil
}

var caller = entry.AuthorID{9, 9, 9}

// ask is one access: what the api does before it releases.
type ask struct {
	action entry.AccessAction
	about  entry.Handle // zero: the accessor's own handle
	r      Request
}

func (s *site) staff() (entry.Handle, error) {
	h, err := s.vault.StaffHandle(context.Background(), caller)
	if err != nil {
		return h, err
	}
	if _, ok, err := s.ledger.Handle(h); err != nil || ok {
		return h, err
	}
	link, err := entry.HandleLink{}.EncodeContent()
	s.must(err)
	return h, s.submit(s.record(s.world.Nodes[0].Author, entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: euGroup,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleStaff, At: s.world.Now},
	}, h, map[entry.Class][]byte{entry.ClassIdentity: s.opening(entry.MediaTypeCBOR, link)}))
}

// signer is who signs access entries: this node, or the other one of a pair.
func (s *site) signer() *ledgertest.Key {
	if s.otherSigns {
		return s.world.Nodes[1].Author
	}
	return s.world.Nodes[0].Author
}

// grant writes the access entry of a request and returns the evidence.
func (s *site) grant(a ask, change ...func(*entry.AccessAudit, *entry.Draft)) (Grant, error) {
	s.tb.Helper()
	staff, err := s.staff()
	if err != nil {
		return Grant{}, err
	}
	about := a.about
	if about == (entry.Handle{}) {
		about = staff
	}
	guard, err := s.vault.Guard(context.Background(), about)
	if err != nil {
		return Grant{}, err
	}
	audit := entry.AccessAudit{
		User: "dr", IP: "192.0.2.1", UserAgent: "test", Fields: a.r.Fields, Guard: guard,
		RequestHash: entry.RequestHash(a.r.RPC, a.r.Statements, a.r.Fields, a.r.Caller),
	}
	d := entry.Draft{
		Kind: entry.KindAccess, Sub: entry.SubOfHandle(about), Jurisdiction: euGroup,
		Body: &entry.Access{
			Accessor: staff, Action: a.action, Outcome: entry.OutcomePermit, Purpose: entry.PurposeTREAT, Position: s.ledger.Size(),
		},
	}
	for _, f := range change {
		f(&audit, &d)
	}
	content, err := audit.EncodeContent()
	s.must(err)
	opening := s.opening(entry.MediaTypeCBOR, content)
	r := s.record(s.signer(), d, about, map[entry.Class][]byte{entry.ClassAudit: opening})
	if err := s.vault.Admit(r.Statement.ID()); err != nil {
		return Grant{}, err
	}
	if err := s.submit(r); err != nil {
		return Grant{}, err
	}
	return Grant{Receipt: s.receipt(r.Statement.ID()), Statement: r.Statement, Opening: opening}, nil
}

// readAll reads everything of a person against a grant.
func (s *site) readAll(p *person, fields ...string) ([]Released, error) {
	s.tb.Helper()
	r := Request{RPC: "Read", Fields: fields, Caller: caller, Handle: p.handle}
	for _, one := range p.readings {
		r.Statements = append(r.Statements, one.id)
	}
	g, err := s.grant(ask{entry.AccessRead, p.handle, r})
	if err != nil {
		return nil, err
	}
	return s.vault.Release(context.Background(), g, r)
}

// find looks an identifier up against a grant.
func (s *site) find(identifier string) (entry.Handle, error) {
	s.tb.Helper()
	staff, err := s.staff()
	if err != nil {
		return staff, err
	}
	r := Request{RPC: "Find", Caller: caller, Handle: staff}
	if _, err := io.ReadFull(s.random, r.Nonce[:]); err != nil {
		return staff, err
	}
	r.Fields = []string{LookupField(r.Nonce, identifier)}
	g, err := s.grant(ask{entry.AccessLookup, entry.Handle{}, r})
	if err != nil {
		return staff, err
	}
	return s.vault.Lookup(context.Background(), g, r, identifier)
}

// whole demands that a person is found and every reading comes back.
func (s *site) whole(p *person) {
	s.tb.Helper()
	h, err := s.find(p.identifier)
	if err != nil || h != p.handle {
		s.tb.Fatalf("%s is not found: %v", p.identifier, err)
	}
	list, err := s.readAll(p, "clinical", "identity")
	if err != nil {
		s.tb.Fatalf("%s cannot be read: %v", p.identifier, err)
	}
	for i, one := range list {
		if !bytes.Equal(one.Openings[entry.ClassClinical], p.readings[i].clinical) ||
			!bytes.Equal(one.Openings[entry.ClassIdentity], p.readings[i].identity) {
			s.tb.Fatalf("reading %d of %s came back altered", i, p.identifier)
		}
	}
}

// seriesRecord is an erasure request or a hold set by an officer.
func (s *site) seriesRecord(k *ledgertest.Key, kind entry.Kind, body entry.Body, content []byte) Record {
	s.tb.Helper()
	return s.record(k, entry.Draft{Kind: kind, Jurisdiction: euGroup, Body: body}, entry.Handle{},
		map[entry.Class][]byte{entry.ClassSeries: s.opening(entry.MediaTypeCBOR, content)})
}

// request asks for an erasure, as the api does it.
func (s *site) request(p *person, scope entry.Scope) (entry.StatementID, error) {
	s.tb.Helper()
	ctx := context.Background()
	if err := s.vault.CheckErasure(ctx, scope, []entry.Handle{p.handle}); err != nil {
		return entry.StatementID{}, err
	}
	content, err := entry.HandleList{p.handle}.EncodeContent()
	s.must(err)
	r := s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: scope}, content)
	if err := s.submit(r); err != nil {
		return entry.StatementID{}, err
	}
	return r.Statement.ID(), s.vault.BeginErasure(ctx, r.Statement.ID())
}

func (s *site) step(k *ledgertest.Key, step entry.ErasureStep, request entry.StatementID) *entry.Statement {
	return s.world.Erasure(k, euGroup, &entry.Erasure{Step: step, Request: request})
}

func (s *site) approve(request entry.StatementID) {
	s.tb.Helper()
	s.mustAppend(s.step(s.world.Officers[1], entry.StepApprove, request))
}

// erase carries an erasure from the request to its completion.
func (s *site) erase(p *person, scope entry.Scope) entry.StatementID {
	s.tb.Helper()
	request, err := s.request(p, scope)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.must(s.round())
	progress, _, err := s.progress(request)
	s.must(err)
	if !progress.Completed {
		s.tb.Fatalf("the erasure is not complete: %+v", progress)
	}
	return request
}

// round is one round of the worker.
func (s *site) round() error {
	if s.vault.state.notBefore == nil { // as Run begins
		s.vault.state = newWorkerState()
		if err := s.vault.keys.DestroyAgain(); err != nil {
			return err
		}
	}
	return s.vault.round(context.Background())
}

func hasClass(r Released, c entry.Class) bool {
	return slices.Contains(r.Parts.Classes(), c) && r.Openings[c] != nil
}

// itemSealed is a statement with the seal time of its record.
func (s *site) itemSealed(st *entry.Statement, at uint64) ledger.Item {
	return ledger.Item{Statement: st.Bytes(), SealedAt: at}
}
