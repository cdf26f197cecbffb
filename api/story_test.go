package api

import (
	"crypto/ecdsa"
	"crypto/rand"
	"io"
	"testing"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/proof"
)

// staffing enrols one person of each role that genesis does not name, and
// activates the device CA, all through the edge.
func (s *site) staffing() *site {
	s.t.Helper()
	registrar := s.people["registrar"]
	var first []*entry.Statement
	enrol := func(name string, role entry.Role) *entry.Statement {
		p := s.newPerson(name)
		s.people[name] = p
		return registrar.sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: p.spki, Role: role, Jurisdictions: []string{home, second, abroad},
		}})
	}
	first = append(first, registrar.sign(entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{
		Action: entry.CAActivate, Key: s.device.cert.RawSubjectPublicKeyInfo,
	}}))
	for _, name := range []string{"officer", "officer2"} {
		first = append(first, enrol(name, entry.RoleOfficer))
	}
	first = append(first, enrol("consent-service", entry.RoleConsentService))
	var confirmations []*entry.Statement
	for _, statement := range first {
		id := statement.ID()
		confirmations = append(confirmations, s.people["registrar2"].sign(entry.Draft{Kind: statement.Kind, Confirms: &id}))
	}
	single := []*entry.Statement{enrol("service", entry.RoleService), enrol("clinician", entry.RoleClinician), enrol("auditor", entry.RoleAuditor)}
	s.appendOpen(registrar, append(first, single...)...)
	s.appendOpen(s.people["registrar2"], confirmations...)
	return s
}

// appendOpen hands in open statements and demands that all are accepted.
func (s *site) appendOpen(by *person, statements ...*entry.Statement) {
	s.t.Helper()
	in := &indeliblev1.AppendOpenRequest{}
	for _, statement := range statements {
		in.Statements = append(in.Statements, statement.Bytes())
	}
	out, err := by.calls("").ledger.AppendOpen(s.t.Context(), connect.NewRequest(in))
	must(s.t, err)
	for i, o := range out.Msg.GetOutcomes() {
		s.accepted(o, statements[i])
	}
}

// accepted demands a receipt that proves the statement under the pinned policy.
func (s *site) accepted(o *indeliblev1.Outcome, statement *entry.Statement) {
	s.t.Helper()
	if o.GetStatus() != indeliblev1.Outcome_STATUS_ACCEPTED {
		s.t.Fatalf("%s: status %s, %s: %s", statement.Kind, o.GetStatus(), o.GetRefusal().GetCode(), o.GetRefusal().GetText())
	}
	s.proves(o.GetReceipt(), statement, o.GetIndex())
}

func (s *site) proves(receipt []byte, statement *entry.Statement, index uint64) {
	s.t.Helper()
	r, err := proof.ParseReceipt(receipt)
	must(s.t, err)
	proven, err := proof.Verify(s.policy, statement, r)
	must(s.t, err)
	if proven.Index != index {
		s.t.Fatalf("the receipt proves index %d, the answer says %d", proven.Index, index)
	}
}

// evidence demands that an access entry is in the log and says what it should.
func (s *site) evidence(e *indeliblev1.Evidence, outcome entry.Outcome) *entry.Access {
	s.t.Helper()
	statement, err := entry.Parse(e.GetStatement())
	must(s.t, err)
	s.proves(e.GetReceipt(), statement, e.GetIndex())
	access, ok := statement.Body.(*entry.Access)
	if !ok || access.Outcome != outcome {
		s.t.Fatalf("the evidence is %s %+v, expected an access entry with outcome %s", statement.Kind, statement.Body, outcome)
	}
	return access
}

// sign signs a draft of this person, here and now, with a fresh request id.
func (p *person) sign(d entry.Draft) *entry.Statement {
	p.site.t.Helper()
	if d.Log == (entry.LogID{}) {
		d.Log = p.site.log.ID()
	}
	if d.Request == nil && d.Seq == 0 {
		d.Request = &entry.RequestID{}
		_, err := io.ReadFull(rand.Reader, d.Request[:])
		must(p.site.t, err)
	}
	if d.IssuedAt == 0 {
		d.IssuedAt = nowMillis()
	}
	statement, err := d.Sign(rand.Reader, p.key)
	must(p.site.t, err)
	return statement
}

// part is the content of one sealed part.
type part struct {
	class     entry.Class
	mediaType string
	content   []byte
}

func cborPart(t *testing.T, class entry.Class, content interface{ EncodeContent() ([]byte, error) }) part {
	t.Helper()
	encoded, err := content.EncodeContent()
	must(t, err)
	return part{class, entry.MediaTypeCBOR, encoded}
}

// openings makes the openings of parts and the digest to sign.
func openings(t *testing.T, parts ...part) ([]*indeliblev1.Opening, *entry.Hash) {
	t.Helper()
	var out []*indeliblev1.Opening
	commitments := map[entry.Class]entry.Hash{}
	for _, p := range parts {
		o, err := entry.NewOpening(rand.Reader, p.mediaType, p.content)
		must(t, err)
		encoded, err := o.Encode()
		must(t, err)
		commitments[p.class] = entry.Commit(encoded)
		out = append(out, &indeliblev1.Opening{Class: indeliblev1.Class(p.class), Opening: encoded})
	}
	all, err := entry.NewParts(commitments)
	must(t, err)
	digest := all.Digest()
	return out, &digest
}

// device is a device bound to a subject.
type device struct {
	*person      // its binding key
	identity     *ecdsa.PrivateKey
	chain        [][]byte
	handle       entry.Handle
	binding      entry.BindingID
	boot, seq    uint64
	prev         *entry.StatementID
	jurisdiction string
}

// newDevice makes the keys of a device for a subject; nothing is enrolled.
func (s *site) newDevice(h entry.Handle, jurisdiction string) *device {
	s.t.Helper()
	d := &device{person: s.newPerson("device"), identity: newKey(s.t), handle: h, boot: 1, jurisdiction: jurisdiction}
	leaf := s.device.issue(s.t, "device", d.identity)
	d.chain = [][]byte{leaf.Raw, s.device.cert.Raw}
	_, err := io.ReadFull(rand.Reader, d.binding[:])
	must(s.t, err)
	return d
}

// enrolment is the author statement of a device key, with its opening.
func (d *device) enrolment(by *person) *indeliblev1.Submission {
	t := d.site.t
	t.Helper()
	certification, err := entry.SignCertification(rand.Reader, d.identity, d.spki, d.handle)
	must(t, err)
	sealed, digest := openings(t, cborPart(t, entry.ClassIdentity, entry.AuthorIdentity{Chain: d.chain, Certification: certification}))
	statement := by.sign(entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(d.handle), Jurisdiction: d.jurisdiction, Parts: digest,
		Body: &entry.AuthorChange{Action: entry.AuthorEnrol, Key: d.spki, Role: entry.RoleDevice, Jurisdictions: []string{d.jurisdiction}},
	})
	return &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed}
}

// bindingStatement binds the device to its subject, from a minute ago.
func (d *device) bindingStatement(by *person) *entry.Statement {
	return by.sign(entry.Draft{Kind: entry.KindBinding, Jurisdiction: d.jurisdiction, Body: &entry.BindingChange{
		Action: entry.ActionOpen, Binding: d.binding, Handle: d.handle, Author: d.id, From: nowMillis() - 60_000,
	}})
}

// register allocates a handle for a subject and opens it.
func (s *site) register(jurisdiction string, identifiers ...string) entry.Handle {
	s.t.Helper()
	registrar := s.people["registrar"]
	request := make([]byte, 16)
	_, err := io.ReadFull(rand.Reader, request)
	must(s.t, err)
	out, err := registrar.calls(jurisdiction).subjects.Register(s.t.Context(), connect.NewRequest(&indeliblev1.RegisterRequest{
		RequestId: request, Class: indeliblev1.HandleClass_HANDLE_CLASS_SUBJECT, Identifiers: identifiers,
	}))
	must(s.t, err)
	h := entry.Handle(out.Msg.GetHandle())
	sealed, digest := openings(s.t, cborPart(s.t, entry.ClassIdentity, entry.HandleLink{}))
	statement := registrar.sign(entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(h), Jurisdiction: jurisdiction, Parts: digest,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleSubject, At: nowMillis()},
	})
	s.accepted(s.appendAs("registrar", jurisdiction, &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed})[0], statement)
	return h
}

// patient registers a subject and enrols and binds a device for it.
func (s *site) patient(jurisdiction string, identifiers ...string) *device {
	s.t.Helper()
	d := s.newDevice(s.register(jurisdiction, identifiers...), jurisdiction)
	registrar := s.people["registrar"]
	enrolment := d.enrolment(registrar)
	binding := d.bindingStatement(registrar)
	outcomes := s.appendAs("registrar", jurisdiction, enrolment, &indeliblev1.Submission{Statement: binding.Bytes()})
	enrolled, err := entry.Parse(enrolment.GetStatement())
	must(s.t, err)
	s.accepted(outcomes[0], enrolled)
	s.accepted(outcomes[1], binding)
	return d
}

const pulse = `{"resourceType":"Observation","status":"final","valueQuantity":{"value":72,"unit":"/min"}}`

// draft is the device's next reading, without its parts.
func (d *device) draft() entry.Draft {
	d.seq++
	return entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(d.binding), Jurisdiction: d.jurisdiction,
		Boot: d.boot, Seq: d.seq, Prev: d.prev,
	}
}

// fhirParts are the two parts of a FHIR reading; who is what was cut out of it.
func fhirParts(who string) []part {
	// CBOR [[1, h'…']]: one span at offset 1.
	spans := append([]byte{0x81, 0x82, 0x01, 0x59, byte(len(who) >> 8), byte(len(who))}, who...)
	return []part{{entry.ClassClinical, entry.MediaTypeFHIR, []byte(pulse)}, {entry.ClassIdentity, entry.MediaTypeSpans, spans}}
}

// reading signs the device's next reading.
func (d *device) reading(parts ...part) (*entry.Statement, *indeliblev1.Submission) {
	d.site.t.Helper()
	if len(parts) == 0 {
		parts = fhirParts(`"subject":{"reference":"Patient/1"}`)
	}
	sealed, digest := openings(d.site.t, parts...)
	draft := d.draft()
	draft.Parts = digest
	statement := d.sign(draft)
	id := statement.ID()
	d.prev = &id
	return statement, &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed}
}

// append hands submissions in as the ingest service.
func (s *site) append(jurisdiction string, in ...*indeliblev1.Submission) []*indeliblev1.Outcome {
	s.t.Helper()
	return s.appendAs("service", jurisdiction, in...)
}

// appendAs hands submissions in as somebody else.
func (s *site) appendAs(who, jurisdiction string, in ...*indeliblev1.Submission) []*indeliblev1.Outcome {
	s.t.Helper()
	out, err := s.people[who].calls(jurisdiction).ledger.Append(s.t.Context(), connect.NewRequest(&indeliblev1.AppendRequest{Submissions: in}))
	must(s.t, err)
	return out.Msg.GetOutcomes()
}

// officiate hands in one statement of an officer.
func (s *site) officiate(who string, statement *entry.Statement, sealed ...*indeliblev1.Opening) *indeliblev1.Outcome {
	s.t.Helper()
	return s.appendAs(who, home, &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed})[0]
}
