package ingest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/proof"
)

type (
	submissions = []*indeliblev1.Submission
	answers     = []*indeliblev1.Outcome
	lie         = func(submissions, answers) (answers, error)
)

func unavailable(submissions, answers) (answers, error) {
	return nil, connect.NewError(connect.CodeUnavailable, errors.New(canary))
}

// each makes a lie of one about every outcome.
func each(lie func(*indeliblev1.Submission, *indeliblev1.Outcome)) lie {
	return func(in submissions, out answers) (answers, error) {
		for i := range out {
			lie(in[i], out[i])
		}
		return out, nil
	}
}

// changed makes a lie about the receipt.
func changed(lie func(*proof.Receipt)) lie {
	return each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
		r, err := proof.ParseReceipt(o.Receipt)
		if err != nil {
			panic(err)
		}
		lie(r)
		o.Receipt = r.Marshal()
	})
}

// mustParse reads a statement the client sent.
func mustParse(in *indeliblev1.Submission) *entry.Statement {
	s, err := entry.Parse(in.Statement)
	if err != nil {
		panic(err)
	}
	return s
}

// lies are what a node may do. The log behind it has taken every reading.
func lies(t *testing.T, log *testLog) map[string]lie {
	all := liesAboutReceipts(t, log)
	maps.Copy(all, liesAboutDuplicates(t, log))
	maps.Copy(all, liesAboutRefusals(t, log))
	maps.Copy(all, liesAboutOutcomes())
	return all
}

func liesAboutReceipts(t *testing.T, log *testLog) map[string]lie {
	other := newTestLog(t)
	small := log.size()
	return map[string]lie{
		"another log's receipt": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			e, _ := other.append(t, mustParse(in), o.LedgerTimeMs)
			o.Receipt = other.receipt(t, e, other.size())
		}),
		"receipts exchanged": func(in submissions, out answers) (answers, error) {
			if len(out) == 1 {
				return nil, connect.NewError(connect.CodeUnavailable, nil)
			}
			for i := 0; i+1 < len(out); i += 2 {
				out[i].Receipt, out[i+1].Receipt = out[i+1].Receipt, out[i].Receipt
			}
			return out[:len(out)/2*2], nil
		},
		"no receipt":       each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) { o.Receipt = nil }),
		"index moved":      changed(func(r *proof.Receipt) { r.Index-- }),
		"time changed":     changed(func(r *proof.Receipt) { r.LedgerTime++ }),
		"path changed":     changed(func(r *proof.Receipt) { r.Path[0][3] ^= 1 }),
		"quorum missing":   changed(func(r *proof.Receipt) { r.Checkpoint = r.Checkpoint[:bytes.LastIndex(r.Checkpoint, []byte("— "))] }),
		"stale checkpoint": changed(func(r *proof.Receipt) { r.Checkpoint = log.checkpoint(t, small) }),
		"log's signature cut": changed(func(r *proof.Receipt) {
			lines := bytes.SplitAfter(r.Checkpoint, []byte("\n"))
			r.Checkpoint = bytes.Join(slices.Delete(lines, 4, 5), nil)
		}),
	}
}

func liesAboutOutcomes() map[string]lie {
	return map[string]lie{
		"one outcome too few": func(_ submissions, out answers) (answers, error) { return out[1:], nil },
		"no outcomes":         func(submissions, answers) (answers, error) { return nil, nil },
		"outcomes rotated": func(_ submissions, out answers) (answers, error) {
			if len(out) == 1 {
				return nil, nil
			}
			return append(out[1:], out[0]), nil
		},
		"a gigantic answer": func(_ submissions, out answers) (answers, error) {
			out[0].Receipt = make([]byte, client.MaxAnswer+1)
			return out, nil
		},
		"no status": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) { o.Status = 0 }),
		"unknown for ever": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
			o.Status = indeliblev1.Outcome_STATUS_UNKNOWN
		}),
		"retryable for ever": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			*o = *refused(mustParse(in).ID(), entry.CodeOverloaded, true)
		}),
		"unavailable": unavailable,
		"internal": func(submissions, answers) (answers, error) {
			return nil, connect.NewError(connect.CodeInternal, errors.New(canary))
		},
		"overloaded": func(submissions, answers) (answers, error) {
			err := connect.NewError(connect.CodeResourceExhausted, errors.New(canary))
			detail, detailErr := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: durationpb.New(10 * time.Millisecond)})
			if detailErr != nil {
				panic(detailErr)
			}
			err.AddDetail(detail)
			return nil, err
		},
	}
}

func liesAboutDuplicates(t *testing.T, log *testLog) map[string]lie {
	stranger := sign(t, newDevice(t, log.id, "eu"), 1)
	return map[string]lie{
		"duplicate of another statement": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
			e, _ := log.append(t, stranger.Statement, o.LedgerTimeMs)
			o.Status = indeliblev1.Outcome_STATUS_DUPLICATE
			o.LoggedStatement = stranger.Statement.Bytes()
			o.Receipt = log.receipt(t, e, log.size())
		}),
		"duplicate of the author's other reading": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			own := mustParse(in)
			e := log.other(own)
			o.Status, o.LoggedStatement = indeliblev1.Outcome_STATUS_DUPLICATE, e.statement
			o.Receipt = log.receipt(t, e, log.size())
		}),
		"duplicate under a wrong signature": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			forged := bytes.Clone(in.Statement)
			forged[len(forged)-40] ^= 1 // in R: same id, another leaf
			leaf, err := entry.Leaf(o.LedgerTimeMs, forged)
			if err != nil {
				panic(err)
			}
			log.mu.Lock()
			index := uint64(len(log.leaves))
			log.leaves = append(log.leaves, proof.LeafHash(leaf))
			log.mu.Unlock()
			o.Status, o.LoggedStatement = indeliblev1.Outcome_STATUS_DUPLICATE, forged
			o.Receipt = log.receipt(t, &logged{index: index, time: o.LedgerTimeMs}, log.size())
		}),
		"garbage as logged statement": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
			o.Status, o.LoggedStatement = indeliblev1.Outcome_STATUS_DUPLICATE, []byte(canary)
		}),
	}
}

// other finds another statement of the same author.
func (l *testLog) other(own *entry.Statement) *logged {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, e := range l.byID {
		if s, err := entry.Parse(e.statement); err == nil && s.Author == own.Author && id != own.ID() {
			return e
		}
	}
	panic("the author has signed nothing else")
}

func liesAboutRefusals(t *testing.T, log *testLog) map[string]lie {
	stranger := sign(t, newDevice(t, log.id, "eu"), 1)
	foreign := &testServer{t: t, log: newTestLog(t)}
	foreign.log.id = log.id // the keys of another log's nodes, under this log's name
	return map[string]lie{
		"refusal of another statement": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
			*o = *refused(stranger.Statement.ID(), entry.CodeMalformed, false)
		}),
		"refusal without a reason": each(func(_ *indeliblev1.Submission, o *indeliblev1.Outcome) {
			o.Status, o.Receipt = indeliblev1.Outcome_STATUS_REFUSED, nil
		}),
		"erased, unsigned": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			*o = *refused(mustParse(in).ID(), entry.CodeSubjectErased, false)
		}),
		"erased, signed for another": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			*o = *refused(mustParse(in).ID(), entry.CodeSubjectErased, false)
			o.SignedRefusal = (&testServer{t: t, log: log}).signRefusal(stranger.Statement.ID())
		}),
		"erased, signed by no node": each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
			*o = *refused(mustParse(in).ID(), entry.CodeSubjectErased, false)
			o.SignedRefusal = foreign.signRefusal(mustParse(in).ID())
		}),
	}
}

// Whatever a node says, no reading leaves the spool without its own receipt, and
// all of them arrive once the node is honest, once each, as the same bytes.
func TestHostileNode(t *testing.T) {
	for name := range lies(t, newTestLog(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := newTestLog(t)
			server := newTestServer(t, log)
			r := newRig(t, server, memory(t))
			r.run(newTestGenerator(t, 2, 4)) // honest so far
			before := receiptCount(t, r.receipts)
			server.tell(lies(t, log)[name])
			drainCalls(server)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for range 6 {
					<-server.called
				}
				cancel()
			}()
			summary, err := r.job(newTestGenerator(t, 2, 30)).Run(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("the job ended with %v", err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error repeats the node's words: %v", err)
			}
			if n, _ := r.spool.Pending(); n != 26 || summary.Verified != 0 || summary.Erased != 0 {
				t.Fatalf("%d of 26 readings wait, %+v", n, summary)
			}
			letters, err := r.spool.DeadLetters()
			if err != nil || len(letters) != 0 || receiptCount(t, r.receipts) != before {
				t.Fatalf("%d dead letters, %d receipts, %v", len(letters), receiptCount(t, r.receipts)-before, err)
			}
			r.close()
			r = newRig(t, server, r.dir)
			defer r.close()
			server.tell(nil)
			if summary := r.run(newTestGenerator(t, 2, 30)); summary.Verified != 26 {
				t.Fatalf("%+v", summary)
			}
			for p, err := range r.receipts.All() {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := proof.Verify(log.policy, p.Statement, p.Receipt); err != nil {
					t.Fatal(err)
				}
			}
			if n := readingsOf(t, log); n < 30 || n > 31 { // one may be the stranger's
				t.Errorf("the log holds %d readings", n)
			}
		})
	}
}

func drainCalls(s *testServer) {
	select {
	case <-s.called:
	default:
	}
}

// A final refusal moves the reading to the dead letters; the node's text, which
// could hold anything, is not taken over.
func TestFinalRefusals(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	server.tell(each(func(in *indeliblev1.Submission, o *indeliblev1.Outcome) {
		*o = *refused(mustParse(in).ID(), entry.CodeWrongBinding, false)
	}))
	if summary := r.run(newTestGenerator(t, 2, 20)); summary != (Summary{Readings: 20, Refused: 20}) {
		t.Errorf("%+v", summary)
	}
	letters, err := r.spool.DeadLetters()
	if err != nil || len(letters) != 20 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if l.Code != entry.CodeWrongBinding || l.Text == "" || strings.Contains(l.Text, canary) {
			t.Errorf("%s: %s", l.Code, l.Text)
		}
	}
}

// A log that forks is found out: at equal size at once, else for want of a proof.
func TestFork(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	r.run(newTestGenerator(t, 1, 10))
	size := log.size()
	forked := log.fork(size - 1)
	server.serve(forked, nil)
	// One reading: the fork is now as long as the log that was seen.
	_, err := r.job(newTestGenerator(t, 1, 11)).Run(t.Context())
	if !errors.Is(err, client.ErrSplitView) {
		t.Fatalf("the fork goes unnoticed: %v", err)
	}
	if n, _ := r.spool.Pending(); n != 1 {
		t.Fatalf("%d readings wait", n)
	}
	r.close()
	evidence, err := filepath.Glob(filepath.Join(r.dir, "receipts", "split-view-*.txt"))
	if err != nil || len(evidence) != 1 {
		t.Fatal(evidence, err)
	}
	content, err := os.ReadFile(evidence[0])
	if err != nil {
		t.Fatal(err)
	}
	notes := bytes.SplitAfterN(content, []byte("\n\n"+testOrigin), 2)
	if len(notes) != 2 || bytes.Count(content, []byte(testOrigin)) < 4 {
		t.Errorf("the evidence is %s", content)
	}
	// Longer than what was seen, the fork has no proof that it grew from that.
	r = newRig(t, server, r.dir)
	provenList(t, forked, 3)
	server.serve(forked, forked.consistency)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err = r.job(newTestGenerator(t, 1, 20)).Run(ctx); err == nil || errors.Is(err, client.ErrSplitView) {
		t.Fatalf("got %v", err)
	}
	if n, _ := r.spool.Pending(); n != 10 {
		t.Fatalf("%d readings wait", n)
	}
	// Back on the log that was seen before, everything goes on.
	server.serve(log, nil)
	if summary := r.run(newTestGenerator(t, 1, 20)); summary.Verified != 10 {
		t.Fatalf("%+v", summary)
	}
	r.close()
}
