package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// rig is an ingest service with everything of its own on one directory.
type rig struct {
	t        testing.TB
	server   *testServer
	dir      string
	spool    *Spool
	receipts *Receipts
	onboard  *Onboarding
	client   *client.Client
	last     Progress
}

func newRig(t testing.TB, server *testServer, dir string) *rig {
	t.Helper()
	r := &rig{t: t, server: server, dir: dir}
	cfg := spoolConfig(filepath.Join(dir, "spool"))
	cfg.SegmentBytes = 64 << 10
	var err error
	if r.spool, err = OpenSpool(cfg); err != nil {
		t.Fatal(err)
	}
	r.receipts = openReceipts(t, filepath.Join(dir, "receipts"))
	r.client = server.client(t, r.receipts)
	r.onboard, err = NewOnboarding(OnboardingConfig{
		Client: r.client, Registrar: server.log.registrar, Log: server.log.id, Spool: r.spool,
		Identity: func(string) (*Identity, error) { return server.ca.Issue(rand.Reader, "1", time.Now()) },
		Now:      time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) close() {
	r.t.Helper()
	closeSpool(r.t, r.spool)
	closeReceipts(r.t, r.receipts)
}

func (r *rig) job(source Source) *Job {
	r.t.Helper()
	j, err := NewJob(JobConfig{
		Source: source, Spool: r.spool, Client: r.client, Receipts: r.receipts, Onboarding: r.onboard,
		Jurisdiction: func(_ string, nth int) string { return []string{"eu", "us"}[nth%2] },
		Progress:     func(p Progress) { r.last = p },
		Logger:       quiet(), Now: time.Now, Batch: 16,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

func (r *rig) run(source Source) Summary {
	r.t.Helper()
	summary, err := r.job(source).Run(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return summary
}

func newTestGenerator(t testing.TB, patients, readings int) *Generator {
	t.Helper()
	g, err := NewGenerator(GeneratorConfig{Seed: 7, Patients: patients, Readings: readings, Start: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// readings counts the readings in the log by boot and sequence of their author:
// the same number twice is a doubled reading.
func readingsOf(t testing.TB, log *testLog) (count int) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range log.byID {
		s, err := entry.Parse(e.statement)
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != entry.KindReading {
			continue
		}
		key := fmt.Sprint(s.Author, s.Boot, s.Seq)
		if seen[key] {
			t.Error("two readings have one sequence number")
		}
		seen[key] = true
		count++
	}
	return count
}

func TestJobBringsEverythingIn(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	summary := r.run(newTestGenerator(t, 5, 120))
	if summary != (Summary{Readings: 120, Verified: 120}) {
		t.Errorf("summary is %+v", summary)
	}
	if r.last != (Progress{Done: 120, Total: 120}) {
		t.Errorf("progress ended at %+v", r.last)
	}
	if n := readingsOf(t, log); n != 120 {
		t.Errorf("the log holds %d readings", n)
	}
	if n := len(allReceipts(t, r.receipts)); n != 120+5*3 {
		t.Errorf("%d receipts", n)
	}
	// Again on the same input: nothing is read, signed, or sent twice.
	again := r.run(newTestGenerator(t, 5, 120))
	if again != (Summary{}) || r.last.Done != 120 || readingsOf(t, log) != 120 {
		t.Errorf("a second run did %+v", again)
	}
	r.close()
	// And in another process, with more input.
	r = newRig(t, server, r.dir)
	more := r.run(newTestGenerator(t, 5, 150))
	if more != (Summary{Readings: 30, Verified: 30}) || r.last.Done != 150 || readingsOf(t, log) != 150 {
		t.Errorf("a third run did %+v, progress %+v", more, r.last)
	}
	if len(log.byID) != 150+5*3 {
		t.Errorf("%d entries: somebody was registered twice", len(log.byID))
	}
	r.close()
	for name, content := range allBytes(t, r.dir) {
		for _, clear := range []string{"Observation", "urn:uuid", "mm[Hg]", "Synthetic"} {
			if strings.Contains(string(content), clear) {
				t.Errorf("%s holds %s in clear", name, clear)
			}
		}
	}
}

// The chain of every device is whole across runs, and jurisdictions alternate.
func TestJobKeepsChains(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	dir := t.TempDir()
	for n := 30; n <= 120; n += 30 {
		r := newRig(t, server, dir)
		r.run(newTestGenerator(t, 4, n))
		r.close()
	}
	heads := map[entry.AuthorID]*entry.Statement{}
	jurisdictions := map[string]int{}
	bySequence := map[string]*entry.Statement{}
	for _, e := range log.byID {
		s, err := entry.Parse(e.statement)
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind == entry.KindReading {
			bySequence[fmt.Sprint(s.Author, s.Seq)] = s
			heads[s.Author] = s
			jurisdictions[s.Jurisdiction]++
		}
	}
	for author := range heads {
		for seq := 1; seq <= 30; seq++ {
			s, before := bySequence[fmt.Sprint(author, seq)], bySequence[fmt.Sprint(author, seq-1)]
			if s == nil || s.Boot != 1 || (s.Prev == nil) != (seq == 1) || (before != nil && *s.Prev != before.ID()) {
				t.Fatalf("the chain breaks at %d", seq)
			}
		}
	}
	if len(heads) != 4 || jurisdictions["eu"] != 60 || jurisdictions["us"] != 60 {
		t.Errorf("%d devices, readings %v", len(heads), jurisdictions)
	}
}

func TestJobPassesOverWhatIsNoReading(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	good := string(newTestGenerator(t, 1, 1).record(0))
	path := filepath.Join(t.TempDir(), "in.ndjson")
	lines := []string{good, `{"resourceType":"Patient"}`, "not json", "", `{"resourceType":"Observation"}`,
		`{"resourceType":"Observation","subject":{"reference":"` + strings.Repeat("x", 257) + `"}}`, strings.Repeat("x", 600<<10), good}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := OpenNDJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	summary := r.run(source)
	if summary != (Summary{Readings: 2, Verified: 2, Skipped: 5}) || r.last != (Progress{Done: 7, Total: 7, Refused: 5}) {
		t.Errorf("%+v, %+v", summary, r.last)
	}
}

// An erased subject's readings leave, its openings are destroyed, what joins its
// reference to a device is forgotten, and a rerun does not register it again.
func TestJobForgetsTheErased(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	r.run(newTestGenerator(t, 3, 30))
	reference := "urn:uuid:" + newTestGenerator(t, 3, 30).uuid("patient", 1)
	enrolled, ok, err := r.onboard.Lookup(reference)
	if err != nil || !ok || enrolled.Erased {
		t.Fatal(enrolled, ok, err)
	}
	server.erased[enrolled.Binding] = true
	summary := r.run(newTestGenerator(t, 3, 60))
	if summary.Verified != 20 || summary.Erased != 10 || summary.Refused != 0 {
		t.Errorf("%+v", summary)
	}
	count := 0
	for p, err := range r.receipts.Refused() {
		if err != nil || p.Code != entry.CodeSubjectErased || p.Statement.Sub.Binding() != enrolled.Binding {
			t.Fatal(p, err)
		}
		node, err := entry.NewPublicKey(log.author.Public())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(node); err != nil {
			t.Fatal(err)
		}
		count++
	}
	forgotten, ok, err := r.onboard.Lookup(reference)
	if err != nil || !ok || !forgotten.Erased || forgotten.Handle != (entry.Handle{}) || forgotten.Author != (entry.AuthorID{}) {
		t.Fatalf("%+v, %v, %v", forgotten, ok, err)
	}
	r.close()
	r = newRig(t, server, r.dir)
	entries := len(log.byID)
	again := r.run(newTestGenerator(t, 3, 90))
	if again.Verified != 20 || again.Erased != 10 || len(log.byID) != entries+20 {
		t.Errorf("rerun: %+v, %d new entries", again, len(log.byID)-entries)
	}
	if count == 0 || count > 10 {
		t.Errorf("%d signed refusals are kept", count)
	}
	r.close()
}

func TestForgetBeforeAnyRefusal(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	r.run(newTestGenerator(t, 2, 10))
	g := newTestGenerator(t, 2, 20)
	reference := "urn:uuid:" + g.uuid("patient", 0)
	if err := r.onboard.Forget(reference); err != nil {
		t.Fatal(err)
	}
	if summary := r.run(g); summary != (Summary{Readings: 5, Verified: 5, Erased: 5}) {
		t.Errorf("%+v", summary)
	}
	e, err := r.onboard.Register(t.Context(), reference, "eu")
	if err != nil || !e.Erased {
		t.Errorf("registering again gives %+v, %v", e, err)
	}
	if err := r.onboard.Forget("unknown"); err == nil {
		t.Error("an unknown reference is forgotten")
	}
}

// After a revocation the log wants the newest vouched reading first.
func TestJobSendsNewestFirst(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	r.run(newTestGenerator(t, 1, 1))
	reference := "urn:uuid:" + newTestGenerator(t, 1, 1).uuid("patient", 0)
	d, err := r.onboard.device(reference)
	if err != nil {
		t.Fatal(err)
	}
	var last *client.Signed
	for n := range 40 {
		last = sign(t, d, n)
		commitAll(t, r.spool, last)
	}
	server.revoked[last.Statement.Author] = last.Statement.ID()
	summary := r.run(newTestGenerator(t, 1, 1))
	if summary.Verified != 40 || readingsOf(t, log) != 41 {
		t.Errorf("%+v", summary)
	}
}

func TestJobCannotRegisterTwice(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	first := newRig(t, server, memory(t))
	first.run(newTestGenerator(t, 2, 10))
	first.close()
	// Another spool, the same people: the vault knows them.
	second := newRig(t, server, memory(t))
	defer second.close()
	summary, err := second.job(newTestGenerator(t, 2, 10)).Run(t.Context())
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) || refusal.Code != entry.CodeAlreadyRegistered || summary != (Summary{}) {
		t.Errorf("%+v, %v", summary, err)
	}
	if _, moved := second.spool.Value("position/"); moved {
		t.Error("the input moved on")
	}
}

func TestJobGivesUp(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	r.run(newTestGenerator(t, 1, 1))
	server.tell(unavailable)
	j := r.job(newTestGenerator(t, 1, 5))
	j.cfg.Patience = 200 * time.Millisecond
	if _, err := j.Run(t.Context()); !errors.Is(err, ErrNoProgress) || !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if n, _ := r.spool.Pending(); n != 4 {
		t.Errorf("%d wait", n)
	}
	server.tell(nil)
	if summary := r.run(newTestGenerator(t, 1, 5)); summary != (Summary{Verified: 4}) {
		t.Errorf("%+v", summary)
	}
}

func TestJobStopsWithItsContext(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	server.tell(unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-server.called
		cancel()
	}()
	if _, err := r.job(newTestGenerator(t, 2, 50)).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestJobConfigReportsAllFaults(t *testing.T) {
	err := JobConfig{Senders: 99, Batch: 9999, Patience: -1}.Validate()
	for _, want := range []string{"Source", "Spool", "Client", "Onboarding", "Jurisdiction", "Logger", "Now", "Senders", "Batch", "Patience"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}
