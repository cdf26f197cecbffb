package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"indelible/api/client/credential"
	"indelible/cli/indelible/logcheck"
	"indelible/cli/indelibled/founding"
	"indelible/cli/indelibled/quickstart"
	"indelible/ledger/entry"
)

// program runs indelibled in this process.
func program(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, remarks bytes.Buffer
	code = run(t.Context(), args, &out, &remarks)
	return code, out.String(), remarks.String()
}

// play runs the quickstart once and returns its one object.
func play(t testing.TB, dir, data string) quickstart.Summary {
	t.Helper()
	code, out, remarks := program(t, "quickstart", "--once", "--output", "json", "--dir", dir, "--data", data)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, remarks)
	}
	return readSummary(t, out)
}

// readSummary demands exactly one JSON object with the members of the contract.
func readSummary(t testing.TB, out string) quickstart.Summary {
	t.Helper()
	var summary quickstart.Summary
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&summary); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if rest := strings.TrimSpace(out[decoder.InputOffset():]); rest != "" {
		t.Fatalf("more than one object: %q", rest)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(out), &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"readings", "receipts_verified", "size", "root", "erased", "tamper_refused", "seconds", "paths"} {
		if _, ok := members[name]; !ok {
			t.Errorf("the summary has no %s", name)
		}
	}
	return summary
}

// kept recomputes the log on the disk of a stopped node by serving nothing: it
// reads what the quickstart exported as an auditor would read it from a server.
func kinds(t testing.TB, site founding.Site) []entry.Kind {
	t.Helper()
	var order []entry.Kind
	served(t, site, func(source logcheck.Source) {
		c := mustLoad(t, site, founding.Auditor)
		_, err := logcheck.Check(t.Context(), logcheck.Config{Source: source, Policy: c.Policy,
			Each: func(_, _ uint64, s *entry.Statement) error {
				order = append(order, s.Kind)
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
	})
	return order
}

func mustLoad(t testing.TB, site founding.Site, name string) *credential.Credential {
	t.Helper()
	c, err := credential.Load(site.Credential(name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestQuickstartShowsEverythingOnceAndGoesOn is the command of the README.
func TestQuickstartShowsEverythingOnceAndGoesOn(t *testing.T) {
	in := newInput(t, 4, 60, "11111111-2222-3333-4444")
	dir := filepath.Join(t.TempDir(), "q")
	first := play(t, dir, in.file)
	if first.Readings != 60 || first.Verified != 60 || first.Erased != 1 || first.TamperRefused < 4 {
		t.Errorf("first run: %+v", first)
	}
	site := founding.Site{Dir: dir}
	checkOrder(t, kinds(t, site))

	again := play(t, dir, in.file)
	if again.Readings != 60 || again.Verified != 60 || again.Erased != 1 || again.TamperRefused < 4 {
		t.Errorf("second run: %+v", again)
	}
	counts := map[entry.Kind]int{}
	for _, kind := range kinds(t, site) {
		counts[kind]++
	}
	// Four erasure entries: one request, approval, execution and completion.
	for kind, want := range map[entry.Kind]int{
		entry.KindReading: 60, entry.KindBinding: 4, entry.KindErasure: 4, entry.KindCA: 2, entry.KindGenesis: 1,
	} {
		if counts[kind] != want {
			t.Errorf("%d entries of kind %s after two runs, want %d", counts[kind], kind, want)
		}
	}
	if code, out, remarks := program(t, "fsck", "--config", site.Config(), "--output", "json"); code != 0 || !strings.Contains(out, `"sound": true`) {
		t.Errorf("fsck: exit code %d: %s%s", code, out, remarks)
	}
	damage(t, filepath.Join(dir, "state", "ledger"))
	if code, out, _ := program(t, "fsck", "--config", site.Config(), "--output", "json"); code != 1 || strings.Contains(out, `"sound": true`) {
		t.Errorf("fsck of a damaged disk: exit code %d: %s", code, out)
	}
}

// damage flips a bit in the first block of every table in a folder.
func damage(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables in %s: %v", dir, err)
	}
	for _, table := range tables {
		raw, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		raw[64] ^= 1
		if err := os.WriteFile(table, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// checkOrder demands the order of entries the quickstart promises.
func checkOrder(t *testing.T, order []entry.Kind) {
	t.Helper()
	var runs []string
	for _, kind := range order {
		if name := kind.String(); len(runs) == 0 || runs[len(runs)-1] != name {
			runs = append(runs, name)
		}
	}
	got := strings.Join(runs, " ")
	want := "genesis ca author" + strings.Repeat(" handle author binding", 4) + " reading handle access erasure"
	if !strings.HasPrefix(got, want) {
		t.Errorf("entries come as\n%s\nwant\n%s …", got, want)
	}
	if rest := strings.Fields(strings.TrimPrefix(got, want)); len(rest) == 0 || rest[len(rest)-1] != "access" {
		t.Errorf("the log does not end with the refused accesses: %s", got)
	}
}

func TestQuickstartLeavesOtherDirectoriesAlone(t *testing.T) {
	in := newInput(t, 1, 1, "x")
	if code, _, remarks := program(t, "quickstart", "--once", "--dir", filepath.Dir(in.file)); code != 2 || !strings.Contains(remarks, "not ours") {
		t.Errorf("exit code %d: %s", code, remarks)
	}
	if code, _, remarks := program(t, "quickstart", "--once", "--dir", filepath.Join(t.TempDir(), "q"), "--data", "nowhere.ndjson"); code != 2 || !strings.Contains(remarks, "nowhere.ndjson") {
		t.Errorf("exit code %d: %s", code, remarks)
	}
}
