package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestDevices lists all devices of a story in pages, and what each has sent.
func TestDevices(t *testing.T) {
	s := tell(t, 16)
	want := map[entry.AuthorID]ledger.Sent{}
	for i, sub := range s.subjects {
		sent := ledger.Sent{HighestBoot: 1}
		if i == 1 {
			sent.Equivocations = 1
		}
		want[sub.Device.Key.ID()] = sent
	}
	var last entry.AuthorID
	for {
		page, err := s.l.Devices(last, 2)
		must(t, err)
		for _, a := range page {
			sent, err := s.l.Sent(a.ID)
			if err != nil || sent != want[a.ID] || a.Role != entry.RoleDevice {
				t.Errorf("device %s: %+v, %v; want %+v", a.ID, sent, err, want[a.ID])
			}
			delete(want, a.ID)
			last = a.ID
		}
		if len(page) < 2 {
			break
		}
	}
	if len(want) > 0 {
		t.Errorf("%d devices were not listed", len(want))
	}
	if sent, err := s.l.Sent(s.Clinician.ID()); err != nil || sent != (ledger.Sent{}) {
		t.Errorf("a clinician sent %+v, %v", sent, err)
	}
}

// TestWhoseHandleADeviceKeyStandsUnder: a key certified for one subject under that
// subject's handle, a linkable one under its own of class device; nothing else.
func TestWhoseHandleADeviceKeyStandsUnder(t *testing.T) {
	s := tell(t, 39)
	for _, class := range []entry.HandleClass{entry.HandleSubject, entry.HandleStaff, entry.HandleDevice, entry.HandleOrganisation} {
		h, open := s.OpenHandle(class, "eu")
		s.apply(t, open)
		for _, linkable := range []bool{false, true} {
			_, enrol := s.EnrolDevice(h, "eu", linkable)
			switch {
			case class == entry.HandleSubject && !linkable, class == entry.HandleDevice && linkable:
				s.apply(t, enrol)
			default:
				s.refused(t, fmt.Sprintf("%s, linkable %t", class, linkable), entry.CodeWrongHandle, enrol)
			}
		}
	}
}

// TestPrevOfAnEquivocation: of two statements at one number the one logged first
// is the one that the next has to name.
func TestPrevOfAnEquivocation(t *testing.T) {
	w := ledgertest.NewWorld(t, 40)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	first := w.Reading(s)
	fork := *s.Device
	s.Device.Seq, s.Device.Prev = 0, nil
	second := w.Reading(s)
	w.Apply(t, l, first, second)
	id := second.ID()
	fork.Prev = &id
	*s.Device = fork
	w.Apply(t, l, w.Reading(s))
	got, _, err := l.Gaps(t.Context(), fork.Key.ID(), ledger.Place{}, 10, 100)
	must(t, err)
	want := ledger.Gap{After: ledger.Place{Boot: 1, Seq: 1}, Next: ledger.Place{Boot: 1, Seq: 2}, Index: l.Size() - 1, Prev: true}
	if !slices.Equal(got, []ledger.Gap{want}) {
		t.Errorf("the next one names the second: gaps %+v, want %+v", got, want)
	}
}
