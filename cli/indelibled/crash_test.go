package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"indelible/cli/indelible/logcheck"
	"indelible/cli/indelibled/founding"
	"indelible/ingest"
	"indelible/ledger/entry"
	"indelible/test/seed"
)

const (
	crashPeople = 5
	crashLines  = 300
	killLines   = 45 // about as many lines as a whole run writes
)

// TestKilledAnywhereNothingIsLostOrDoubled kills a quickstart process again and
// again, anywhere in its story, and starts it again on the same directory. In
// the end the log holds every reading once, every entry that was ever
// acknowledged stands where it stood, and the disk is sound.
func TestKilledAnywhereNothingIsLostOrDoubled(t *testing.T) {
	random := seed.Rand(t)
	in := newInput(t, crashPeople, crashLines, "99999999-8888-7777-6666")
	dir := filepath.Join(t.TempDir(), "q")
	acked := map[entry.StatementID]uint64{}
	for range kills {
		killAt(t, dir, in.file, 1+random.IntN(killLines), time.Duration(random.IntN(60))*time.Millisecond)
		collect(t, dir, acked)
	}
	summary := play(t, dir, in.file)
	if summary.Readings != crashLines || summary.Verified != crashLines || summary.Erased != 1 {
		t.Errorf("after %d kills: %+v", kills, summary)
	}
	collect(t, dir, acked)
	site := founding.Site{Dir: dir}
	checkLog(t, site, acked)
	checkReadable(t, site, in)
	if code, out, remarks := program(t, "fsck", "--config", site.Config()); code != 0 {
		t.Errorf("fsck: exit code %d: %s%s", code, out, remarks)
	}
}

// killAt starts a quickstart in a process of its own and kills it a moment after
// it has written so many lines of its story, or lets it end before that.
func killAt(t *testing.T, dir, data string, lines int, after time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "quickstart", "--once", "--output", "json", "--dir", dir, "--data", data)
	child.Args[0] = "indelibled"
	story, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	child.Stdout = &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	told := tellUntil(story, lines)
	if told.ended {
		if err := child.Wait(); err != nil {
			t.Fatalf("the quickstart failed by itself: %v\n%s", err, told.text)
		}
		return
	}
	<-time.After(after)
	if err := child.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(story)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		return // it was faster than the kill
	}
	if failed := strings.Contains(string(rest), "Not done:"); failed {
		t.Fatalf("the quickstart failed by itself after %d lines:\n%s%s", lines, told.text, rest)
	}
}

type told struct {
	text  string
	ended bool
}

// tellUntil reads so many lines, or to the end.
func tellUntil(story io.Reader, lines int) told {
	reader := bufio.NewReaderSize(story, 1) // what follows stays in the pipe
	var text strings.Builder
	for range lines {
		line, err := reader.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			return told{text.String(), true}
		}
	}
	return told{text.String(), false}
}

// collect notes what was acknowledged: a receipt is kept only after the answer
// with it has been verified. Nothing may have moved since.
func collect(t *testing.T, dir string, acked map[entry.StatementID]uint64) {
	t.Helper()
	store := filepath.Join(dir, "client", "receipts")
	if _, err := os.Stat(store); err != nil {
		return
	}
	receipts, err := ingest.OpenReceipts(store)
	if err != nil {
		t.Fatal(err)
	}
	for kept, err := range receipts.All() {
		if err != nil {
			t.Fatal(err)
		}
		id := kept.Statement.ID()
		if before, ok := acked[id]; ok && before != kept.Receipt.Index {
			t.Errorf("statement %s was acknowledged at %d and at %d", id, before, kept.Receipt.Index)
		}
		acked[id] = kept.Receipt.Index
	}
	if err := receipts.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkLog recomputes the log and finds every acknowledged entry where it was.
func checkLog(t *testing.T, site founding.Site, acked map[entry.StatementID]uint64) {
	t.Helper()
	at := map[entry.StatementID]uint64{}
	count := map[entry.Kind]int{}
	served(t, site, func(source logcheck.Source) {
		_, err := logcheck.Check(t.Context(), logcheck.Config{
			Source: source, Policy: mustLoad(t, site, founding.Auditor).Policy,
			Each: func(index, _ uint64, s *entry.Statement) error {
				if before, ok := at[s.ID()]; ok {
					t.Errorf("statement %s stands at %d and at %d", s.ID(), before, index)
				}
				at[s.ID()] = index
				count[s.Kind]++
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	for id, index := range acked {
		if got, ok := at[id]; !ok || got != index {
			t.Errorf("statement %s was acknowledged at %d and stands at %d (%v)", id, index, got, ok)
		}
	}
	if len(acked) < crashLines {
		t.Errorf("only %d entries were acknowledged", len(acked))
	}
	for kind, want := range map[entry.Kind]int{entry.KindReading: crashLines, entry.KindBinding: crashPeople, entry.KindErasure: 4} {
		if count[kind] != want {
			t.Errorf("%d entries of kind %s, want %d", count[kind], kind, want)
		}
	}
}

// checkReadable reads every living person back: each line once, in order.
func checkReadable(t *testing.T, site founding.Site, in input) {
	t.Helper()
	serving(t, site, func(r *running) {
		for i, reference := range in.who[1:] {
			var want []string
			for _, line := range in.lines {
				if strings.Contains(line, reference) {
					want = append(want, line)
				}
			}
			var got released
			jurisdiction := []string{"us", "eu"}[i%2]
			r.client(t, founding.Clinician, &got, "read", r.handle(t, reference, jurisdiction),
				"--jurisdiction", jurisdiction, "--purpose", "TREAT", "--all", "--limit", "100")
			var lines []string
			for _, record := range got.Records {
				lines = append(lines, record.Resource)
			}
			slices.Sort(lines)
			slices.Sort(want)
			if !slices.Equal(lines, want) {
				t.Errorf("subject %d has %d records, its %d lines were to be there once each", i+1, len(lines), len(want))
			}
		}
		if found := r.handleOrNone(t, in.who[0], "eu"); found != "" {
			t.Error("the erased person is found")
		}
	})
}
