package ledger_test

import (
	"testing"

	"indelible/ledger"
	"indelible/ledger/entry"
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
