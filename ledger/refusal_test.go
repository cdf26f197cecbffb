package ledger_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// bad is one thing an author, a relay or an attacker may send.
type bad struct {
	name string
	code entry.Code
	item func(s *story) ledger.Item
}

// reading is the next reading of the first subject, changed before it is signed.
func (s *story) reading(change func(*entry.Draft)) ledger.Item {
	one, parts := s.subjects[0], s.Hash()
	d := *one.Device
	draft := d.Next(entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(one.Binding), Jurisdiction: one.Jurisdiction, Parts: &parts,
	})
	if change != nil {
		change(&draft)
	}
	return s.Item(s.Sign(d.Key, draft))
}

// bytesOf makes an item of the next reading's bytes, changed after signing.
func (s *story) bytesOf(change func([]byte) []byte) ledger.Item {
	item := s.reading(nil)
	item.Statement = change(bytes.Clone(item.Statement))
	return item
}

func (s *story) by(k *ledgertest.Key, d entry.Draft) ledger.Item { return s.Item(s.Sign(k, d)) }

var badBytes = []bad{
	{"truncated", entry.CodeMalformed, func(s *story) ledger.Item {
		return s.bytesOf(func(b []byte) []byte { return b[:len(b)-1] })
	}},
	{"trailing byte", entry.CodeMalformed, func(s *story) ledger.Item {
		return s.bytesOf(func(b []byte) []byte { return append(b, 0) })
	}},
	{"empty", entry.CodeMalformed, func(s *story) ledger.Item { return ledger.Item{} }},
	{"signature by another", entry.CodeBadSignature, func(s *story) ledger.Item {
		return s.bytesOf(func(b []byte) []byte { b[len(b)-40] ^= 1; return b })
	}},
	{"payload altered on the way", entry.CodeBadSignature, func(s *story) ledger.Item {
		return s.bytesOf(func(b []byte) []byte { b[len(b)-70] ^= 1; return b })
	}},
	{"double enrolment", entry.CodeAlreadyEnrolled, func(s *story) ledger.Item {
		return s.Item(s.Enrol(s.subjects[0].Device.Key, entry.RoleService, "eu")[0])
	}},
	{"enrolment of a revoked key", entry.CodeAlreadyEnrolled, func(s *story) ledger.Item {
		return s.Item(s.Enrol(s.subjects[2].Device.Key, entry.RoleService, "eu")[0])
	}},
	{"unknown author", entry.CodeUnknownAuthor, func(s *story) ledger.Item {
		return s.by(s.Key(), entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: s.Key().SPKI()}})
	}},
	{"wrong aud", entry.CodeWrongLog, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Log[0] = 1 })
	}},
	{"index before its time", entry.CodeKindNotYet, func(s *story) ledger.Item {
		return s.by(s.Nodes[0].Author, entry.Draft{Kind: entry.KindIndex, Body: &entry.IndexSeal{N: 1}})
	}},
	{"second genesis", entry.CodeWrongState, func(s *story) ledger.Item {
		body := *s.Body
		body.Origin = "log.example/other"
		return s.by(s.Registrars[0], entry.Draft{Kind: entry.KindGenesis, Body: &body})
	}},
}

var badClaims = []bad{
	{"wrong jurisdiction", entry.CodeWrongJurisdiction, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Jurisdiction = "us" })
	}},
	{"jurisdiction nobody has", entry.CodeWrongJurisdiction, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Jurisdiction = "mars" })
	}},
	{"clock ahead", entry.CodeClockAhead, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.IssuedAt = s.Now + 5*minute + 1 })
	}},
	{"signed before the binding", entry.CodeBindingNotYet, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.IssuedAt = ledgertest.Start - 5*minute })
	}},
	{"boot too far", entry.CodeBootTooFar, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Boot += 1001; d.Seq = 1 })
	}},
	{"history never seen here", entry.CodeSeenMismatch, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Seen = &entry.Seen{Size: s.l.Size()} })
	}},
	{"history beyond the log", entry.CodeSeenMismatch, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Seen = &entry.Seen{Size: s.l.Size() + 1} })
	}},
	{"not sealed", entry.CodeNotSealed, func(s *story) ledger.Item {
		item := s.reading(nil)
		item.SealedAt = 0
		return item
	}},
	{"sealed too long ago", entry.CodeSealExpired, func(s *story) ledger.Item {
		item := s.reading(nil)
		item.SealedAt = s.Now - hour - 1
		return item
	}},
	{"nothing to seal", entry.CodeSealUnexpected, func(s *story) ledger.Item {
		item := s.Item(s.CA(s.Key().SPKI())[0])
		item.SealedAt = s.Now
		return item
	}},
	{"request id used again", entry.CodeRequestIDReused, func(s *story) ledger.Item {
		return s.by(s.Registrars[0], entry.Draft{
			Kind: entry.KindCA, Request: s.Genesis.Request, Body: &entry.CAChange{Action: entry.CAActivate, Key: s.Key().SPKI()},
		})
	}},
	{"device with a request id", entry.CodeFieldMissing, func(s *story) ledger.Item {
		one, parts := s.subjects[0], s.Hash()
		return s.by(one.Device.Key, entry.Draft{
			Kind: entry.KindCorrection, Sub: entry.SubOfBinding(one.Binding), Jurisdiction: "eu", Parts: &parts,
			Body: &entry.Correction{Corrects: *one.Device.Prev},
		})
	}},
}

var badStates = []bad{
	{"revoked device", entry.CodeAuthorRevoked, func(s *story) ledger.Item {
		two, parts := s.subjects[1], s.Hash()
		s.apply(s.t, s.Author(&entry.AuthorChange{Action: entry.AuthorRevoke, Author: two.Device.Key.ID()},
			entry.SubOfHandle(two.Handle), two.Jurisdiction))
		return s.by(two.Device.Key, two.Device.Next(entry.Draft{
			Kind: entry.KindReading, Sub: entry.SubOfBinding(two.Binding), Jurisdiction: two.Jurisdiction, Parts: &parts,
		}))
	}},
	{"suspended device", entry.CodeAuthorSuspended, func(s *story) ledger.Item {
		one := s.subjects[0]
		s.apply(s.t, s.Author(&entry.AuthorChange{Action: entry.AuthorSuspend, Author: one.Device.Key.ID()},
			entry.SubOfHandle(one.Handle), one.Jurisdiction))
		return s.reading(nil)
	}},
	{"not vouched for yet", entry.CodeAwaitingUpto, func(s *story) ledger.Item {
		three, parts := s.subjects[2], s.Hash()
		return s.by(three.Device.Key, three.Device.Next(entry.Draft{
			Kind: entry.KindReading, Sub: entry.SubOfBinding(three.Binding), Jurisdiction: three.Jurisdiction, Parts: &parts,
		}))
	}},
	{"another's binding", entry.CodeWrongBinding, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Sub = entry.SubOfBinding(s.subjects[1].Binding) })
	}},
	{"binding nobody opened", entry.CodeUnknownBinding, func(s *story) ledger.Item {
		return s.reading(func(d *entry.Draft) { d.Sub = entry.SubOfBinding(entry.BindingID{1}) })
	}},
	{"closed binding", entry.CodeBindingClosed, func(s *story) ledger.Item {
		s.apply(s.t, s.Unbind(s.subjects[0].Binding, "eu", s.Now-1))
		return s.reading(nil)
	}},
	{"closed handle", entry.CodeHandleClosed, func(s *story) ledger.Item {
		_, enrol := s.EnrolDevice(s.subjects[2].Handle, "in", false)
		return s.Item(enrol)
	}},
	{"role", entry.CodeRoleForbidden, func(s *story) ledger.Item {
		return s.by(s.Clinician, entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: s.Key().SPKI()}})
	}},
	{"node opening a subject", entry.CodeRoleForbidden, func(s *story) ledger.Item {
		_, open := s.OpenHandleBy(s.Nodes[0].Author, entry.HandleSubject, "eu")
		return s.Item(open)
	}},
	{"CA withdrawn that is none", entry.CodeCAState, func(s *story) ledger.Item {
		return s.by(s.Registrars[0], entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAWithdraw, Key: s.Key().SPKI()}})
	}},
	{"access by nobody's handle", entry.CodeWrongHandle, func(s *story) ledger.Item {
		return s.Item(s.Access(s.Nodes[0], s.subjects[0].Handle, s.subjects[0].Handle, "eu", 1))
	}},
	{"access decided in the future", entry.CodeWrongPosition, func(s *story) ledger.Item {
		return s.Item(s.Access(s.Nodes[0], s.subjects[0].Handle, s.staff, "eu", s.l.Size()+1))
	}},
}

// TestBadInput sends everything in the tables and wants the code, no index, and
// not one row changed.
func TestBadInput(t *testing.T) {
	for _, table := range [][]bad{badBytes, badClaims, badStates} {
		for _, b := range table {
			t.Run(b.name, func(t *testing.T) {
				s := tell(t, 5)
				item := b.item(s)
				before := rowsOf(t, s.l.State())
				out, err := s.l.Apply([]state.Command{s.Command(s.l.State().Applied().Index+1, item)})
				must(t, err)
				o := out[0][0]
				if o.Refusal == nil || o.Refusal.Code != b.code {
					t.Fatalf("got %+v, want %s", o, b.code)
				}
				if o.Refusal.Text == "" || o.Index != 0 || o.Duplicate {
					t.Errorf("outcome %+v", o)
				}
				wantRows(t, s.l, before)
			})
		}
	}
}

func wantRows(t *testing.T, l *ledger.Ledger, want map[byte][]row) {
	t.Helper()
	for prefix, have := range rowsOf(t, l.State()) {
		same := len(have) == len(want[prefix])
		for i := 0; same && i < len(have); i++ {
			same = bytes.Equal(have[i].key, want[prefix][i].key) && bytes.Equal(have[i].value, want[prefix][i].value)
		}
		if !same {
			t.Errorf("a refused statement changed %s rows", ledger.RowNames()[prefix])
		}
	}
}

// TestEquivocationIsKept: two different statements at one number are both
// logged and both marked, and nothing else is.
func TestEquivocationIsKept(t *testing.T) {
	w := ledgertest.NewWorld(t, 3)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	clone := *s
	device := *s.Device
	clone.Device = &device
	one, two := w.Reading(s), w.Reading(&clone)
	out := w.Apply(t, l, one, two, w.Reading(s), one)
	if out[0].Marked || !out[1].Marked || out[2].Marked || !out[3].Marked || !out[3].Duplicate || out[1].Index != out[0].Index+1 {
		t.Fatalf("outcomes %+v", out)
	}
	for i, want := range []bool{true, true, false} {
		if marked, late, err := l.Marks(out[i].Index); err != nil || marked != want || late {
			t.Errorf("entry %d: marked %t, late %t, %v", out[i].Index, marked, late, err)
		}
	}
}
