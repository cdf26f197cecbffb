package api

import (
	"testing"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

func authorOf(id byte, role entry.Role) *ledger.Author {
	return &ledger.Author{ID: entry.AuthorID{id}, Role: role, State: ledger.AuthorActive}
}

// TestAConsentRaisesTheGuardBeforeItIsAcknowledged: every later release sees
// the change, and a repeated consent, whose first answer may never have
// arrived, raises it too.
func TestAConsentRaisesTheGuardBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	document, digest := openings(t, part{entry.ClassIdentity, "text/plain", []byte("I agree")})
	statement := s.people["consent-service"].sign(entry.Draft{
		Kind: entry.KindConsent, Sub: entry.SubOfHandle(d.handle), Jurisdiction: home, Parts: digest,
		Body: &entry.Consent{Action: entry.ConsentWithdraw, Purposes: []entry.Purpose{entry.PurposeHRESCH},
			Regime: entry.RegimeGDPR, Basis: entry.BasisExplicitConsent, From: nowMillis()},
	})
	in := &indeliblev1.AppendRequest{Submissions: []*indeliblev1.Submission{{Statement: statement.Bytes(), Openings: document}}}
	guard := func() uint64 {
		t.Helper()
		g, err := s.vaults[home].Guard(t.Context(), d.handle)
		must(t, err)
		return g
	}
	before := guard()
	out, err := s.people["consent-service"].calls(home).ledger.Append(t.Context(), connect.NewRequest(in))
	must(t, err)
	s.accepted(out.Msg.GetOutcomes()[0], statement)
	first := guard()
	if first <= before {
		t.Fatalf("the guard went from %d to %d", before, first)
	}
	out, err = s.people["consent-service"].calls(home).ledger.Append(t.Context(), connect.NewRequest(in))
	must(t, err)
	if out.Msg.GetOutcomes()[0].GetStatus() != indeliblev1.Outcome_STATUS_DUPLICATE || guard() <= first {
		t.Fatalf("repeated: %v, guard %d after %d", out.Msg.GetOutcomes()[0], guard(), first)
	}
	page, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: d.handle[:]})
	must(t, err)
	if len(page.GetRecords()) != 1 || string(page.GetRecords()[0].GetStatement()) != string(statement.Bytes()) {
		t.Fatalf("the document comes back as %v", page)
	}
}
