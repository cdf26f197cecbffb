package ingest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"indelible/api/client"
	"indelible/test/seed"
)

// TestKillChild is the process that TestKill kills: it commits and settles for
// ever and says so after each. Without a directory it has nothing to do.
func TestKillChild(t *testing.T) {
	dir := os.Getenv("INGEST_KILL_DIR")
	if dir == "" {
		return
	}
	log := newTestLog(t)
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	for n := 0; ; n++ {
		signed := sign(t, d, n)
		commitAll(t, s, signed)
		fmt.Printf("kept %s\n", signed.Statement.ID())
		if n%7 != 0 {
			continue
		}
		for _, l := range takeSome(t, s, 3) {
			fmt.Printf("leaves %s\n", l.id)
			// Readings of an earlier child were signed for its own log: what counts
			// here is only that something leaves.
			if err := s.leaveProven([]provenReading{{l.pending, &client.Proven{Statement: l.signed.Statement}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func takeSome(t testing.TB, s *Spool, count int) []leased {
	t.Helper()
	list, _, err := s.take("eu", count, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// kill -9 at any moment: everything acknowledged is there, and nothing comes back
// that had left.
func TestKill(t *testing.T) {
	r := seed.Rand(t)
	dir := t.TempDir()
	kept, leaves := map[string]bool{}, map[string]bool{}
	for range 10 {
		child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
		child.Env = append(os.Environ(), "INGEST_KILL_DIR="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		killAt := 1 + r.IntN(60)
		for n := 1; lines.Scan(); n++ {
			if strings.Contains(lines.Text(), "FAIL") {
				t.Error("the child failed")
			}
			if word, id, ok := strings.Cut(lines.Text(), " "); ok && word == "kept" {
				kept[id] = true
			} else if ok && word == "leaves" {
				leaves[id] = true
			}
			if n == killAt {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait()
	}
	s := openSpool(t, dir)
	defer closeSpool(t, s)
	waits := map[string]bool{}
	for _, signed := range waiting(t, s, "eu") {
		waits[signed.Statement.ID().String()] = true
	}
	missing, back := 0, 0
	for id := range kept {
		if !waits[id] && !leaves[id] {
			missing++
		}
	}
	for id := range waits {
		if !kept[id] {
			back++ // durable, but its line was not printed any more
		}
	}
	t.Logf("%d kept, %d left, %d wait", len(kept), len(leaves), len(waits))
	if missing > 0 || back > 10 {
		t.Errorf("%d of %d acknowledged readings are missing, %d unknown ones wait", missing, len(kept), back)
	}
}
