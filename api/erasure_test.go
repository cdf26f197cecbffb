package api

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// request is the officer's erasure request, with its opening.
func (s *site) request(who string, scope entry.Scope, handles ...entry.Handle) (*entry.Statement, *indeliblev1.Submission) {
	s.t.Helper()
	sealed, digest := openings(s.t, cborPart(s.t, entry.ClassSeries, entry.HandleList(handles)))
	statement := s.people[who].sign(entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: home, Parts: digest, Body: &entry.Erasure{Step: entry.StepRequest, Scope: scope},
	})
	return statement, &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed}
}

func (s *site) requestErasure(who string, in *indeliblev1.Submission) *indeliblev1.Outcome {
	s.t.Helper()
	return s.appendAs(who, home, in)[0]
}

func (s *site) approveErasure(who string, request entry.StatementID) (*entry.Statement, *indeliblev1.Outcome) {
	s.t.Helper()
	statement := s.people[who].sign(entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: home, Body: &entry.Erasure{Step: entry.StepApprove, Request: request},
	})
	return statement, s.officiate(who, statement)
}

func (s *site) getErasure(request entry.StatementID) *indeliblev1.GetErasureResponse {
	s.t.Helper()
	out, err := s.people["auditor"].calls("").erasure.GetErasure(s.t.Context(), connect.NewRequest(&indeliblev1.GetErasureRequest{Request: request[:]}))
	must(s.t, err)
	return out.Msg
}

// awaitErasure waits, entry by entry, until the erasure is complete.
func (s *site) awaitErasure(request entry.StatementID) *indeliblev1.GetErasureResponse {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		changed := s.log.Changed()
		if e := s.getErasure(request); e.GetState() == indeliblev1.ErasureState_ERASURE_STATE_COMPLETE {
			return e
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("the erasure stays at %s", s.getErasure(request).GetState())
		}
	}
}

// TestErasure follows one subject from its request to its certificate: two
// officers, no new records meanwhile, nothing readable or findable afterwards,
// every receipt as good as before.
func TestErasure(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d, living := s.patient(home, "mrn|1"), s.patient(home, "mrn|2")
	statement, in := d.reading()
	before := s.append(home, in)[0]
	s.accepted(before, statement)
	alive, livingIn := living.reading()
	s.accepted(s.append(home, livingIn)[0], alive)

	request, sealed := s.request("officer", entry.ScopeAll, d.handle)
	s.accepted(s.requestErasure("officer", sealed), request)
	if o := s.requestErasure("officer", sealed); o.GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE {
		t.Fatalf("the request again: %v", o)
	}
	_, late := d.reading()
	refused := s.append(home, late)[0]
	if refused.GetRefusal().GetCode() != string(entry.CodeSubjectErased) {
		t.Fatalf("a new reading: %v", refused)
	}
	s.signedRefusal(late, refused)

	if _, o := s.approveErasure("officer", request.ID()); o.GetRefusal().GetCode() != string(entry.CodeNotYourRequest) {
		t.Fatalf("approved by the requester: %v", o)
	}
	approval, o := s.approveErasure("officer2", request.ID())
	s.accepted(o, approval)
	done := s.awaitErasure(request.ID())
	s.certificate(done)
	if o := s.requestErasure("officer", sealed); o.GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE {
		t.Fatalf("the request again, when all is done: %v", o)
	}

	out, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: d.handle[:]})
	if refusalIn(err).GetCode() != string(entry.CodeSubjectErased) {
		t.Fatalf("read %v, %v", out, err)
	}
	s.evidence(s.deniedAccess(err), entry.OutcomeFail)
	found, err := s.people["clinician"].calls(home).subjects.Find(t.Context(), connect.NewRequest(&indeliblev1.FindRequest{
		Identifier: "mrn|1", Purpose: indeliblev1.Purpose_PURPOSE_TREAT,
	}))
	must(t, err)
	if len(found.Msg.GetHandle()) > 0 {
		t.Fatalf("found %x", found.Msg.GetHandle())
	}
	again := s.append(home, &indeliblev1.Submission{Statement: in.GetStatement()})[0]
	if again.GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE || again.GetIndex() != before.GetIndex() {
		t.Fatalf("a reading from before, again: %v", again)
	}
	s.proves(again.GetReceipt(), statement, again.GetIndex())
	s.proves(before.GetReceipt(), statement, before.GetIndex())
	page, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: living.handle[:]})
	must(t, err)
	if len(page.GetRecords()) != 1 || len(page.GetRecords()[0].GetOpenings()) != 2 {
		t.Fatalf("the other subject: %v", page)
	}
}

// certificate demands request, approve, executed and complete, in order, each
// with a receipt that proves it.
func (s *site) certificate(e *indeliblev1.GetErasureResponse) {
	s.t.Helper()
	var steps []entry.ErasureStep
	for _, c := range e.GetCertificate() {
		statement, err := entry.Parse(c.GetEntry().GetStatement())
		must(s.t, err)
		s.proves(c.GetEntry().GetReceipt(), statement, c.GetEntry().GetIndex())
		body, ok := statement.Body.(*entry.Erasure)
		if !ok || entry.ErasureStep(c.GetStep()) != body.Step {
			s.t.Fatalf("the certificate calls %+v %s", statement.Body, c.GetStep())
		}
		steps = append(steps, body.Step)
	}
	if !slices.Equal(steps, []entry.ErasureStep{entry.StepRequest, entry.StepApprove, entry.StepExecuted, entry.StepComplete}) {
		s.t.Fatalf("the certificate has the steps %v", steps)
	}
	if len(e.GetNodes()) != 1 || !e.GetNodes()[0].GetExecuted() || e.GetNodes()[0].GetName() != nodeName {
		s.t.Fatalf("nodes: %v", e.GetNodes())
	}
}

// signedRefusal verifies the node's signature under a refusal for good.
func (s *site) signedRefusal(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
	s.t.Helper()
	statement, err := entry.Parse(in.GetStatement())
	must(s.t, err)
	signed := o.GetSignedRefusal()
	author, ok, err := s.log.Author(entry.AuthorID(signed.GetNode()))
	if err != nil || !ok || author.Role != entry.RoleNode {
		s.t.Fatalf("signed by %x: %v", signed.GetNode(), err)
	}
	log, id := s.log.ID(), statement.ID()
	message := slices.Concat([]byte("indelible refusal v1\n"), log[:], id[:],
		binary.BigEndian.AppendUint64(nil, signed.GetAtMs()), []byte("SUBJECT_ERASED"))
	if key, ok := author.Key.Key().(ed25519.PublicKey); !ok || !ed25519.Verify(key, message, signed.GetSignature()) {
		s.t.Fatal("the refusal's signature does not verify")
	}
}

// TestHoldsAndFloorsRefuseErasures by name, and a released hold does no more.
func TestHoldsAndFloorsRefuseErasures(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{floor: 3_600_000}).staffing()
	d := s.patient(home)
	statement, in := d.reading()
	s.accepted(s.append(home, in)[0], statement)
	_, sealed := s.request("officer", entry.ScopeAll, d.handle)
	if o := s.requestErasure("officer", sealed); o.GetRefusal().GetCode() != string(entry.CodeRetentionFloor) {
		t.Fatalf("below the floor: %v", o)
	}

	free := newSite(t, siteOptions{}).staffing()
	d = free.patient(home)
	statement, in = d.reading()
	free.accepted(free.append(home, in)[0], statement)
	hold := free.hold("officer", d.handle)
	_, sealed = free.request("officer", entry.ScopeAll, d.handle)
	size := free.log.Size()
	if o := free.requestErasure("officer", sealed); o.GetRefusal().GetCode() != string(entry.CodeHoldActive) {
		t.Fatalf("under a hold: %v", o)
	}
	if free.log.Size() != size {
		t.Fatal("the refused request is in the log")
	}
	free.releaseHold(hold)
	request, sealed := free.request("officer", entry.ScopeAll, d.handle)
	free.accepted(free.requestErasure("officer", sealed), request)
	cancel := free.people["officer2"].sign(entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: home, Body: &entry.Erasure{Step: entry.StepCancel, Request: request.ID()},
	})
	free.accepted(free.officiate("officer2", cancel), cancel)
	statement, in = d.reading()
	free.accepted(free.append(home, in)[0], statement)
}

// holding is the officer's hold, with its opening.
func (s *site) holding(who string, handles ...entry.Handle) (*entry.Statement, *indeliblev1.Submission) {
	s.t.Helper()
	sealed, digest := openings(s.t, cborPart(s.t, entry.ClassSeries, entry.HoldTarget{Handles: handles, Class: entry.ClassClinical}))
	statement := s.people[who].sign(entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Parts: digest, Body: &entry.Hold{Action: entry.HoldSet}})
	return statement, &indeliblev1.Submission{Statement: statement.Bytes(), Openings: sealed}
}

func (s *site) hold(who string, handles ...entry.Handle) entry.StatementID {
	s.t.Helper()
	statement, in := s.holding(who, handles...)
	s.accepted(s.appendAs(who, home, in)[0], statement)
	return statement.ID()
}

// TestErasuresOfOneCallFollowEachOther: a hold or a request in front of an erasure
// counts for it, as if each had come by a call of its own.
func TestErasuresOfOneCallFollowEachOther(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	held, free := s.patient(home, "mrn|1"), s.patient(home, "mrn|2")
	hold, holding := s.holding("officer", held.handle)
	_, late := s.request("officer", entry.ScopeAll, held.handle)
	request, first := s.request("officer", entry.ScopeAll, free.handle)
	_, second := s.request("officer2", entry.ScopeIdentity, free.handle)
	id := request.ID()
	approval := s.people["officer2"].sign(entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: home, Body: &entry.Erasure{Step: entry.StepApprove, Request: id},
	})
	out := s.appendAs("officer", home, holding, late, first, second, &indeliblev1.Submission{Statement: approval.Bytes()})
	s.accepted(out[0], hold)
	if out[1].GetRefusal().GetCode() != string(entry.CodeHoldActive) {
		t.Errorf("an erasure behind a hold: %v", out[1])
	}
	s.accepted(out[2], request)
	if out[3].GetRefusal().GetCode() != string(entry.CodeErasureOpen) {
		t.Errorf("a second erasure of one subject: %v", out[3])
	}
	s.accepted(out[4], approval)
}

// releaseHold releases by one officer and confirms by the other.
func (s *site) releaseHold(hold entry.StatementID) {
	s.t.Helper()
	release := s.people["officer"].sign(entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Body: &entry.Hold{Action: entry.HoldRelease, Set: hold}})
	id := release.ID()
	confirmation := s.people["officer2"].sign(entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Confirms: &id})
	s.sendRelease("officer", release)
	s.sendRelease("officer2", confirmation)
}

func (s *site) sendRelease(who string, statement *entry.Statement) {
	s.t.Helper()
	s.accepted(s.officiate(who, statement), statement)
}
