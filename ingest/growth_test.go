package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"indelible/api/client"
)

// Two calls under way at once get two histories, each grown from what was seen
// before, none from the other: one of them at most is believed.
func TestForkBetweenCallsUnderWay(t *testing.T) {
	for name, seen := range map[string]bool{"first calls ever": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			log := newTestLog(t)
			server := newTestServer(t, log)
			receipts := openReceipts(t, memory(t))
			defer closeReceipts(t, receipts)
			// The services of one process have a client each and share the receipts.
			clients := []*client.Client{server.client(t, receipts), server.client(t, receipts)}
			d := newDevice(t, log.id, "eu")
			if seen {
				if _, err := clients[0].Deliver(t.Context(), []*client.Signed{sign(t, d, 0)}); err != nil {
					t.Fatal(err)
				}
			}
			base := log.size()
			forks := []*testLog{log.fork(base), log.fork(base)}
			list := []*client.Signed{sign(t, d, 1), sign(t, d, 2)}
			forks[1].append(t, sign(t, d, 3).Statement, 1) // so that the sizes differ
			var met sync.WaitGroup
			met.Add(2)
			if seen {
				var once [2]sync.Once
				server.serve(log, func(old, size uint64) [][]byte {
					at := size - base - 1
					if old == base {
						once[at].Do(met.Done)
						met.Wait() // both calls compare with what was seen before them
						return forks[at].consistency(old, size)
					}
					return forks[1].consistency(old, size)
				})
			}
			server.tell(func(in submissions, out answers) (answers, error) {
				at := 0
				if string(in[0].Statement) == string(list[1].Statement.Bytes()) {
					at = 1
				}
				e, _ := forks[at].append(t, mustParse(in[0]), out[0].LedgerTimeMs)
				out[0].Receipt = forks[at].receipt(t, e, forks[at].size())
				if !seen {
					met.Done()
					met.Wait()
				}
				return out, nil
			})
			believed := believe(t, clients, list)
			if believed > 1 {
				t.Errorf("%d of two histories are believed", believed)
			}
			if !seen && believed == 0 {
				t.Error("nothing is believed")
			}
		})
	}
}

// A fork at a size that was seen long ago is a split view at once, and the evidence
// kept first stays.
func TestForkAtAnOlderSize(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	dir := memory(t)
	receipts := openReceipts(t, dir)
	defer closeReceipts(t, receipts)
	caller := server.client(t, receipts)
	d := newDevice(t, log.id, "eu")
	for n := range 3 {
		if _, err := caller.Deliver(t.Context(), []*client.Signed{sign(t, d, n)}); err != nil {
			t.Fatal(err)
		}
	}
	var kept []byte
	for range 2 {
		server.serve(log.fork(log.size()-2), nil)
		if _, err := caller.Submit(t.Context(), []*client.Signed{sign(t, d, 9)}); !errors.Is(err, client.ErrSplitView) {
			t.Fatalf("got %v", err)
		}
		evidence, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("split-view-%d.txt", log.size()-1)))
		if err != nil || (kept != nil && !bytes.Equal(evidence, kept)) {
			t.Errorf("the evidence changed: %v", err)
		}
		kept = evidence
	}
}

// believe submits one statement with each client at once and counts what is proven.
func believe(t *testing.T, clients []*client.Client, list []*client.Signed) (believed int) {
	t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	for i, c := range clients {
		running.Go(func() {
			outcomes, err := c.Submit(t.Context(), list[i:i+1])
			if err != nil && !errors.Is(err, client.ErrSplitView) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil && outcomes[0].Proven != nil {
				believed++
			}
		})
	}
	running.Wait()
	return believed
}
