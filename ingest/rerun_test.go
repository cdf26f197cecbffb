package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/ledger/entry"
	"indelible/test/logs"
)

// checkChains demands that the readings of every device are numbered without a
// gap and that each names the one before it.
func checkChains(t *testing.T, log *testLog) (readings int) {
	t.Helper()
	bySequence := map[string]*entry.Statement{}
	for _, e := range log.byID {
		s, err := entry.Parse(e.statement)
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind == entry.KindReading {
			bySequence[fmt.Sprint(s.Author, s.Seq)] = s
		}
	}
	for _, s := range bySequence {
		before := bySequence[fmt.Sprint(s.Author, s.Seq-1)]
		if s.Seq == 1 && s.Prev == nil {
			continue
		}
		if before == nil || s.Prev == nil || *s.Prev != before.ID() {
			t.Fatalf("the chain of a device breaks at %d", s.Seq)
		}
	}
	return len(bySequence)
}

// A run that ends between signing and spooling leaves nothing behind in memory: the
// next run of the same job signs again from the journaled state, so no number is
// skipped and no reading names one that was never sent.
func TestJobRunsAgainInOneProcess(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	r.spool.cfg.MaxBytes = 600 << 10 // one chunk, not two
	defer r.close()
	server.tell(unavailable)
	j := r.job(newTestGenerator(t, 2, 600))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for n := 0; n < 256; n, _ = r.spool.Pending() {
			<-r.spool.wake()
		}
		for range 6 { // calls that fail while the next chunk is signed and waits for room
			<-server.called
		}
	}()
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	server.tell(nil)
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := checkChains(t, log); n != 600 {
		t.Errorf("%d readings", n)
	}
}

// Two sources that go into one spool at once measure the same people: a device still
// uses every number once.
func TestTwoJobsOnOneSpool(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	r.run(newTestGenerator(t, 2, 4))
	var running sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		j := r.job(newTestGenerator(t, 2, 150))
		j.cfg.Name, j.cfg.Progress = name, nil
		running.Go(func() {
			if _, err := j.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if n := readingsOf(t, log); n != 454 || checkChains(t, log) != n {
		t.Errorf("%d readings", n)
	}
}

// A job that gives up before anything was sent says so in whole words, and the log
// of the client says what failed meanwhile, in our words.
func TestJobGivesUpWhileRegistering(t *testing.T) {
	for step := range 2 { // the vault's handle, the log's entry for it
		server := newTestServer(t, newTestLog(t))
		r := newRig(t, server, memory(t))
		var log logs.Buffer
		cfg := server.config(t)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		var err error
		if r.client, err = client.New(r.receipts.Attach(cfg)); err != nil {
			t.Fatal(err)
		}
		r.onboard.cfg.Client = r.client
		server.interrupt = func(n int) error {
			if n < step {
				return nil
			}
			return connect.NewError(connect.CodeUnavailable, errors.New(canary))
		}
		j := r.job(newTestGenerator(t, 1, 5))
		j.cfg.Patience = 200 * time.Millisecond
		_, err = j.Run(t.Context())
		if !errors.Is(err, ErrNoProgress) || !errors.Is(err, client.ErrUnreachable) || strings.Contains(err.Error(), "%!") {
			t.Errorf("got %v", err)
		}
		if text := log.String(); !strings.Contains(text, "unavailable") || strings.Contains(text, canary) {
			t.Errorf("the log says %s", text)
		}
		r.close()
	}
}

// A spool that is too small for one chunk says so instead of waiting for ever.
func TestJobNeedsRoom(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	r.spool.cfg.MaxBytes = 4000
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := r.job(newTestGenerator(t, 1, 100)).Run(ctx); !errors.Is(err, ErrCommitTooLarge) {
		t.Fatalf("got %v", err)
	}
}
