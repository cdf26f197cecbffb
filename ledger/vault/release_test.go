package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/vaulttest"
)

// ward is a site with two persons and what is asked of the first.
type ward struct {
	*site
	alice, bob *person
	r          Request
}

func newWard(t *testing.T, seed uint64) *ward {
	pair := spec(ledgertest.Grace, 0, 0, 0)
	pair.Nodes = []ledgertest.NodeSpec{{}, {}}
	w := &ward{site: newSite(t, seed, vfs.NewMem(), pair)}
	t.Cleanup(w.close)
	var err error
	w.alice, err = w.register("mrn|alice")
	w.must(err)
	w.bob, err = w.register("mrn|bob")
	w.must(err)
	w.must(w.write(w.alice))
	w.must(w.write(w.bob))
	w.r = Request{
		RPC: "Read", Statements: []entry.StatementID{w.alice.readings[0].id}, Fields: []string{"clinical", "identity"},
		Caller: caller, Handle: w.alice.handle,
	}
	return w
}

func (w *ward) reading() ask { return ask{entry.AccessRead, w.alice.handle, w.r} }

// refused demands that a release gives nothing and a code.
func (w *ward) refused(v *Vault, g Grant, r Request, code entry.Code) {
	w.tb.Helper()
	list, err := v.Release(context.Background(), g, r)
	vaulttest.WantCode(w.tb, err, code)
	if list != nil {
		w.tb.Fatal("a refused release gave something")
	}
}

// TestGrantIsGoodForOneCall: used twice, late, in another process, for another
// subject, field, caller, procedure or record, a grant gives nothing.
func TestGrantIsGoodForOneCall(t *testing.T) {
	w := newWard(t, 21)
	g, err := w.grant(w.reading())
	w.must(err)
	list, err := w.vault.Release(context.Background(), g, w.r)
	w.must(err)
	if len(list) != 1 || !hasClass(list[0], entry.ClassClinical) || !hasClass(list[0], entry.ClassIdentity) {
		t.Fatal("a good grant gave nothing")
	}
	w.refused(w.vault, g, w.r, entry.CodeGrantUsed)

	g, err = w.grant(w.reading())
	w.must(err)
	w.world.Now += uint64(admitFor/time.Millisecond) + 1
	w.refused(w.vault, g, w.r, entry.CodeGrantExpired)
	w.refused(w.vault, g, w.r, entry.CodeGrantUsed)

	g, err = w.grant(w.reading())
	w.must(err)
	w.refused(w.newVault(w.keyring), g, w.r, entry.CodeGrantUsed) // another process on the same store

	for name, change := range map[string]func(*Request){
		"subject":   func(r *Request) { r.Handle = w.bob.handle },
		"record":    func(r *Request) { r.Statements = []entry.StatementID{w.bob.readings[0].id} },
		"field":     func(r *Request) { r.Fields = []string{"clinical"} },
		"caller":    func(r *Request) { r.Caller[0]++ },
		"procedure": func(r *Request) { r.RPC = "Export" },
		"nothing":   func(r *Request) { r.Statements = nil },
	} {
		g, err := w.grant(w.reading())
		w.must(err)
		r := w.r
		change(&r)
		t.Run(name, func(t *testing.T) {
			w.within(t, func() {
				w.refused(w.vault, g, r, entry.CodeGrantInvalid)
				w.refused(w.vault, g, w.r, entry.CodeGrantUsed) // misuse uses it up
			})
		})
	}
}

// TestGrantMustBeTheRightEntry: what the access entry itself says decides.
func TestGrantMustBeTheRightEntry(t *testing.T) {
	w := newWard(t, 22)
	for name, change := range map[string]func(*entry.AccessAudit, *entry.Draft){
		"denied": func(_ *entry.AccessAudit, d *entry.Draft) { d.Body.(*entry.Access).Outcome = entry.OutcomeDeny },
		"counted": func(_ *entry.AccessAudit, d *entry.Draft) {
			d.Body.(*entry.Access).Action = entry.AccessCount
		},
		"other fields shown": func(a *entry.AccessAudit, _ *entry.Draft) { a.Fields = []string{"clinical"} },
		"other sub":          func(_ *entry.AccessAudit, d *entry.Draft) { d.Sub = entry.SubOfHandle(w.bob.handle) },
	} {
		g, err := w.grant(w.reading(), change)
		w.must(err)
		t.Run(name, func(t *testing.T) {
			w.within(t, func() { w.refused(w.vault, g, w.r, entry.CodeGrantInvalid) })
		})
	}
	g, err := w.grant(w.reading())
	w.must(err)

	w.otherSigns = true
	foreign, err := w.grant(w.reading())
	w.must(err)
	w.refused(w.vault, foreign, w.r, entry.CodeGrantInvalid) // another node's, in order in every other way
	w.otherSigns = false

	unlogged := g // ours and admitted, with the receipt of another entry
	unlogged.Statement = w.world.Sign(w.world.Nodes[0].Author, entry.Draft{
		Kind: entry.KindAccess, Sub: g.Statement.Sub, Jurisdiction: euGroup, Parts: g.Statement.Parts, Body: g.Statement.Body,
	})
	w.must(w.vault.Admit(unlogged.Statement.ID()))
	w.refused(w.vault, unlogged, w.r, entry.CodeGrantInvalid)

	g2, err := w.grant(w.reading())
	w.must(err)
	g2.Opening = g.Opening
	w.refused(w.vault, g2, w.r, entry.CodeGrantInvalid) // the opening of another

	g3, err := w.grant(w.reading())
	w.must(err)
	g3.Receipt.Checkpoint[len(g3.Receipt.Checkpoint)-5] ^= 1
	w.refused(w.vault, g3, w.r, entry.CodeGrantInvalid) // a signature altered
	w.refused(w.vault, Grant{}, w.r, entry.CodeGrantInvalid)
}

// TestUnknownOutcomeReleasesNothing: an access whose commit outcome is not known
// has no receipt, and nothing else stands for a grant.
func TestUnknownOutcomeReleasesNothing(t *testing.T) {
	w := newWard(t, 23)
	w.propose = func(Command) string { return "unknown" }
	if _, err := w.grant(w.reading()); !errors.Is(err, errLost) {
		t.Fatalf("a seal of unknown outcome gave %v", err)
	}
	w.propose = nil

	g, err := w.grant(w.reading())
	w.must(err)
	barrier := w.vault.env.Barrier
	w.vault.env.Barrier = func(context.Context) error { return errLost } // no majority answers
	if list, err := w.vault.Release(context.Background(), g, w.r); !errors.Is(err, errLost) || list != nil {
		t.Fatalf("without a linearizable guard: %v", err)
	}
	w.vault.env.Barrier = barrier
	w.refused(w.vault, g, w.r, entry.CodeGrantUsed)

	g, err = w.grant(w.reading())
	w.must(err)
	w.vault.env.Barrier = func(context.Context) error { // a majority answers, after a while
		w.world.Now += uint64(admitFor/time.Millisecond) + 1
		return nil
	}
	w.refused(w.vault, g, w.r, entry.CodeGrantExpired)
	w.vault.env.Barrier = barrier

	r := w.reading2() // sealed, its entry not in the log
	sealed, err := w.vault.Seal(context.Background(), []Record{r})
	w.must(err)
	if sealed[0].Refusal != nil {
		t.Fatal(sealed[0].Refusal)
	}
	w.r.Statements = []entry.StatementID{r.Statement.ID()}
	g, err = w.grant(w.reading())
	w.must(err)
	w.refused(w.vault, g, w.r, entry.CodeUnknownRecord)
}

func (w *ward) reading2() Record {
	return w.site.reading(w.alice, []byte(`{"resourceType":"Observation"}`), []byte("who"))
}

// TestGuardStopsAReadUnderWay: consent, a hold or an erasure that was
// acknowledged between decision and release is honoured.
func TestGuardStopsAReadUnderWay(t *testing.T) {
	w := newWard(t, 24)
	ctx := context.Background()
	for name, event := range map[string]func(){
		"consent": func() { w.must(w.vault.RaiseGuard(ctx, []entry.Handle{w.alice.handle})) },
		"hold": func() {
			content, err := entry.HoldTarget{Handles: entry.HandleList{w.alice.handle}, Class: entry.ClassAudit}.EncodeContent()
			w.must(err)
			r := w.seriesRecord(w.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
			w.must(w.submit(r))
			w.must(w.vault.BeginHold(ctx, r.Statement.ID()))
		},
		"erasure": func() {
			_, err := w.request(w.alice, entry.ScopeIdentity)
			w.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.within(t, func() {
				g, err := w.grant(w.reading())
				w.must(err)
				event()
				w.refused(w.vault, g, w.r, entry.CodeGuardRaised)
			})
		})
	}
	w.whole(w.bob) // whose guard nobody raised
}

// TestLookupGate: a lookup needs its own grant, on the accessor's own handle,
// for that identifier; and the identifier is nowhere in what remains.
func TestLookupGate(t *testing.T) {
	w := newWard(t, 25)
	staff, err := w.staff()
	w.must(err)
	ctx := context.Background()
	r := Request{RPC: "Find", Caller: caller, Handle: staff, Nonce: [32]byte{1}}
	r.Fields = []string{LookupField(r.Nonce, "mrn|alice")}
	look := ask{entry.AccessLookup, staff, r}
	g, err := w.grant(look)
	w.must(err)
	_, err = w.vault.Lookup(ctx, g, r, "mrn|bob")
	vaulttest.WantCode(t, err, entry.CodeGrantInvalid)
	h, err := w.vault.Lookup(ctx, g, r, "mrn|alice")
	w.must(err)
	if h != w.alice.handle {
		t.Fatal("the wrong handle")
	}
	_, err = w.vault.Lookup(ctx, g, r, "mrn|alice")
	vaulttest.WantCode(t, err, entry.CodeGrantUsed)
	for _, hidden := range []string{caller.String(), "mrn|nobody"} { // staff cannot be looked up
		_, err := w.find(hidden)
		vaulttest.WantCode(t, err, entry.CodeUnknownSubject)
	}
	g, err = w.grant(ask{entry.AccessRead, staff, r})
	w.must(err)
	_, err = w.vault.Lookup(ctx, g, r, "mrn|alice")
	vaulttest.WantCode(t, err, entry.CodeGrantInvalid)
	g, err = w.grant(ask{entry.AccessLookup, w.bob.handle, Request{RPC: r.RPC, Fields: r.Fields, Caller: caller}})
	w.must(err)
	r.Handle = w.bob.handle
	_, err = w.vault.Lookup(ctx, g, r, "mrn|alice")
	vaulttest.WantCode(t, err, entry.CodeGrantInvalid)
}

// TestAdmissionsAreBounded: old ones make room, young ones do not.
func TestAdmissionsAreBounded(t *testing.T) {
	now := time.UnixMilli(1)
	a := newAdmissions(func() time.Time { return now })
	for i := range maxAdmitted {
		if err := a.admit(entry.StatementID{byte(i), byte(i >> 8), byte(i >> 16)}); err != nil {
			t.Fatal(err)
		}
	}
	vaulttest.WantCode(t, a.admit(entry.StatementID{31: 1}), entry.CodeOverloaded)
	now = now.Add(admitFor + 1)
	if err := a.admit(entry.StatementID{31: 1}); err != nil {
		t.Fatal(err)
	}
	vaulttest.WantCode(t, a.admit(entry.StatementID{31: 1}), entry.CodeGrantUsed)
	if len(a.since) != 1 {
		t.Fatalf("%d admissions are kept", len(a.since))
	}
	now = now.Add(-1) // a clock that was set back says nothing about age
	_, err := a.use(entry.StatementID{31: 1})
	vaulttest.WantCode(t, err, entry.CodeGrantExpired)
}

// TestSecretsDoNotPrint formats what holds secrets in every way there is.
func TestSecretsDoNotPrint(t *testing.T) {
	secret := keytree.Key{'s', 'e', 'c', 'r', 'e', 't'}
	record := Released{Openings: map[entry.Class][]byte{entry.ClassClinical: []byte("secret")}}
	for _, value := range []any{secret, &secret, record, &record, []Released{record}, map[int]keytree.Key{1: secret}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).LogAttrs(context.Background(), slog.LevelInfo, "x", slog.Any("v", value))
		for _, text := range []string{
			fmt.Sprint(value), fmt.Sprintf("%v %+v %#v %s %q %x %d", value, value, value, value, value, value, value), log.String(),
		} {
			for _, leak := range []string{"secret", "73656372", "115 101 99", "115, 101", "0x73", "c2VjcmV0"} {
				if strings.Contains(text, leak) {
					t.Errorf("%T prints as %s", value, text)
				}
			}
		}
	}
}

// TestGateKnowsItsOwnEntries: what this node did not sign, for this vault, is
// refused as such, before it is looked up among what was admitted.
func TestGateKnowsItsOwnEntries(t *testing.T) {
	w := newWard(t, 26)
	g, err := w.grant(w.reading())
	w.must(err)
	forged := g
	raw := bytes.Clone(g.Statement.Bytes())
	raw[len(raw)-1] ^= 1
	if forged.Statement, err = entry.Parse(raw); err != nil {
		t.Fatal(err)
	}
	foreign := g
	foreign.Statement = w.world.Sign(w.world.Nodes[0].Author, entry.Draft{
		Kind: entry.KindAccess, Sub: g.Statement.Sub, Jurisdiction: "us", Parts: g.Statement.Parts, Body: g.Statement.Body,
	})
	other := g
	other.Statement = w.world.Sign(w.world.Nodes[1].Author, entry.Draft{
		Kind: entry.KindAccess, Sub: g.Statement.Sub, Jurisdiction: euGroup, Parts: g.Statement.Parts, Body: g.Statement.Body,
	})
	for _, bad := range []Grant{forged, foreign, other} { // not "used before": it is no grant at all
		w.refused(w.vault, bad, w.r, entry.CodeGrantInvalid)
	}
	list, err := w.vault.Release(context.Background(), g, w.r) // which a forgery of it has not used up
	w.must(err)
	if len(list) != 1 {
		t.Fatal("a good grant gave nothing")
	}
	many := w.r
	many.Statements = make([]entry.StatementID, MaxReleased+1)
	w.refused(w.vault, g, many, entry.CodeTooLarge)
}
