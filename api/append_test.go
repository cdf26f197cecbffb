package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/proof"
)

// TestAppendIsProvenAndRepeatable: a batch gets an outcome for each statement;
// handing the same in again, in any order, gives the same indexes and receipts
// and no entry.
func TestAppendIsProvenAndRepeatable(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	var statements []*entry.Statement
	var in []*indeliblev1.Submission
	for range 20 {
		statement, submission := d.reading()
		statements, in = append(statements, statement), append(in, submission)
	}
	in = append(in, &indeliblev1.Submission{Statement: []byte("not a statement")}, in[0])
	first := s.append(home, in...)
	for i, statement := range statements {
		s.accepted(first[i], statement)
	}
	if first[20].GetRefusal().GetCode() != string(entry.CodeMalformed) {
		t.Errorf("the bad one among good ones: %v", first[20])
	}
	if first[21].GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE || first[21].GetIndex() != first[0].GetIndex() {
		t.Errorf("the same one twice in a batch: %v", first[21])
	}
	size := s.log.Size()
	reversed := make([]*indeliblev1.Submission, 20)
	for i := range reversed {
		reversed[i] = &indeliblev1.Submission{Statement: in[19-i].GetStatement()} // without openings
	}
	for i, o := range s.append(home, reversed...) {
		if o.GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE || o.GetIndex() != first[19-i].GetIndex() {
			t.Fatalf("repeated: %v", o)
		}
		if !bytes.Equal(o.GetLoggedStatement(), statements[19-i].Bytes()) {
			t.Fatal("the duplicate's answer does not carry the logged statement")
		}
		s.proves(o.GetReceipt(), statements[19-i], o.GetIndex())
	}
	if s.log.Size() != size {
		t.Fatalf("the log grew from %d to %d", size, s.log.Size())
	}
}

// TestEquivocationIsKeptAndMarked: two statements at one number are both in the
// log, and both are said to be.
func TestEquivocationIsKeptAndMarked(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	one, in := d.reading()
	s.accepted(s.append(home, in)[0], one)
	d.seq--
	d.prev = nil
	two, again := d.reading()
	o := s.append(home, again)[0]
	s.accepted(o, two)
	if !o.GetEquivocation() {
		t.Fatal("the second statement at one number is not marked")
	}
	out, err := s.people["auditor"].calls("").devices.GetDevice(t.Context(), connect.NewRequest(&indeliblev1.GetDeviceRequest{AuthorId: d.id[:]}))
	must(t, err)
	if dev := out.Msg.GetDevice(); dev.GetEquivocations() != 1 || dev.GetHighestBoot() != 1 {
		t.Fatalf("the device is %v", dev)
	}
}

// TestHighSIsNormalised: foreign libraries do not make low signatures; the edge
// does, and the receipt proves the normalised statement.
func TestHighSIsNormalised(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	statement, in := d.reading()
	raw := bytes.Clone(in.GetStatement())
	flipS(d, raw)
	in.Statement = raw
	s.accepted(s.append(home, in)[0], statement)
}

// flipS replaces s by n - s in the last 32 bytes of an ES256 statement.
func flipS(d *device, raw []byte) {
	s := raw[len(raw)-32:]
	new(big.Int).Sub(d.key.Params().N, new(big.Int).SetBytes(s)).FillBytes(s)
}

// TestCommittedIsAnsweredWithoutReceipt: who does not wait for the checkpoint
// gets an index, and the receipt later.
func TestCommittedIsAnsweredWithoutReceipt(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	statement, in := d.reading()
	service := s.people["service"].calls(home).ledger
	out, err := service.Append(t.Context(), connect.NewRequest(&indeliblev1.AppendRequest{
		Submissions: []*indeliblev1.Submission{in}, Wait: indeliblev1.Wait_WAIT_COMMITTED,
	}))
	must(t, err)
	o := out.Msg.GetOutcomes()[0]
	if o.GetStatus() != indeliblev1.Outcome_STATUS_ACCEPTED || len(o.GetReceipt()) > 0 {
		t.Fatalf("got %v", o)
	}
	receipt, err := service.GetReceipt(t.Context(), connect.NewRequest(&indeliblev1.GetReceiptRequest{
		Entry: &indeliblev1.GetReceiptRequest_Index{Index: o.GetIndex()},
	}))
	must(t, err)
	s.proves(receipt.Msg.GetReceipt(), statement, o.GetIndex())
}

// TestAppendStreamAnswersInOrder: many batches at once on one stream, every
// answer in its place.
func TestAppendStreamAnswersInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	stream := s.people["service"].calls(home).ledger.AppendStream(t.Context())
	const batches = 40
	statements := make([]*entry.Statement, batches)
	requests := make([]*indeliblev1.AppendStreamRequest, batches)
	for i := range batches {
		statement, in := d.reading()
		statements[i] = statement
		requests[i] = &indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}
	}
	sent := make(chan error, 1)
	go func() {
		for _, r := range requests {
			if err := stream.Send(r); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseRequest()
	}()
	for i := range batches {
		out, err := stream.Receive()
		must(t, err)
		s.accepted(out.GetOutcomes()[0], statements[i])
	}
	must(t, <-sent)
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
	must(t, stream.CloseResponse())
}

// TestSuspendedAndRevokedDevices: a device that may not sign any more is told
// which of the two it is; a late statement it was vouched for is taken.
func TestSuspendedAndRevokedDevices(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	change := func(action entry.AuthorAction, upto *entry.StatementID) {
		t.Helper()
		statement := s.people["registrar"].sign(entry.Draft{
			Kind: entry.KindAuthor, Sub: entry.SubOfHandle(d.handle), Jurisdiction: home,
			Body: &entry.AuthorChange{Action: action, Author: d.id, Upto: upto},
		})
		s.appendOpen(s.people["registrar"], statement)
	}
	statement, in := d.reading()
	change(entry.AuthorSuspend, nil)
	if got := s.append(home, in)[0].GetRefusal().GetCode(); got != string(entry.CodeAuthorSuspended) {
		t.Fatalf("suspended: %s", got)
	}
	change(entry.AuthorResume, nil)
	late, lateIn := d.reading()
	newest, newestIn := d.reading()
	s.accepted(s.append(home, in)[0], statement)
	id := newest.ID()
	change(entry.AuthorRevoke, &id)
	_, unvouched := d.reading()
	outcomes := s.append(home, unvouched, lateIn)
	if got := outcomes[0].GetRefusal().GetCode(); got != string(entry.CodeAwaitingUpto) && got != string(entry.CodeAuthorRevoked) {
		t.Fatalf("not vouched for: %s", got)
	}
	if got := outcomes[1].GetRefusal().GetCode(); got != string(entry.CodeAwaitingUpto) {
		t.Fatalf("before the newest arrived: %s", got)
	}
	o := s.append(home, newestIn, lateIn)
	s.accepted(o[0], newest)
	s.accepted(o[1], late)
	if !o[0].GetLate() || !o[1].GetLate() {
		t.Fatal("not marked late")
	}
}

// TestAStreamOutlivesAFullQueue: a batch that does not fit now is told so and
// when to come again; the batches behind it go on.
func TestAStreamOutlivesAFullQueue(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{limits: edge.Limits{CallerBytes: 64 << 10}}).staffing()
	d := s.patient(home)
	stream := s.people["service"].calls(home).ledger.AppendStream(t.Context())
	_, large := d.reading(part{entry.ClassClinical, "text/plain", make([]byte, 70<<10)})
	statement, small := d.reading()
	must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{large, large}}))
	must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{small}}))
	out, err := stream.Receive()
	must(t, err)
	if len(out.GetOutcomes()) != 0 || out.GetRetryAfterMs() == 0 { // not received, so nobody knows what was in it
		t.Fatalf("got %v", out)
	}
	out, err = stream.Receive()
	must(t, err)
	s.accepted(out.GetOutcomes()[0], statement)
	must(t, stream.CloseRequest())
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
}

// TestReceiptsUnderPostQuantumCosignatures: the second family of checkpoints
// proves the same entries.
func TestReceiptsUnderPostQuantumCosignatures(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	statement, in := d.reading()
	o := s.append(home, in)[0]
	s.accepted(o, statement)
	service := s.people["service"].calls("").ledger
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		out, err := service.GetReceipt(ctx, connect.NewRequest(&indeliblev1.GetReceiptRequest{
			Entry:        &indeliblev1.GetReceiptRequest_Index{Index: o.GetIndex()},
			Cosignatures: indeliblev1.Cosignatures_COSIGNATURES_ML_DSA_44,
		}))
		if refusalIn(err).GetCode() == string(wire.CodeSizeBeyondLog) {
			continue // one comes every second
		}
		must(t, err)
		r, err := proof.ParseReceipt(out.Msg.GetReceipt())
		must(t, err)
		if _, err := proof.Verify(s.policyPQ, statement, r); err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify(s.policyPQ, statement, mustReceipt(t, o.GetReceipt())); !errors.Is(err, proof.ErrQuorum) {
			t.Fatalf("an Ed25519 receipt under the policy for ML-DSA-44: %v", err)
		}
		return
	}
}

func mustReceipt(t *testing.T, file []byte) *proof.Receipt {
	t.Helper()
	r, err := proof.ParseReceipt(file)
	must(t, err)
	return r
}
