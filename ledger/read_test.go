package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/proof"
)

// TestIndexesAreComplete compares the indexes by handle, author, accessor and
// consent with a walk over all entries.
func TestIndexesAreComplete(t *testing.T) {
	s := tell(t, 9)
	byHandle, byAuthor := map[entry.Handle][]uint64{}, map[entry.AuthorID][]uint64{}
	accessors, consents := map[entry.Handle][]uint64{}, map[entry.Handle][]uint64{}
	bound, devices := map[entry.BindingID]entry.Handle{}, map[entry.BindingID]entry.AuthorID{}
	for i := range s.l.Size() {
		st, _, err := s.l.Statement(i)
		must(t, err)
		authors := []entry.AuthorID{st.Author}
		switch b := st.Body.(type) {
		case *entry.BindingChange:
			if b.Action == entry.ActionOpen {
				bound[b.Binding], devices[b.Binding] = b.Handle, b.Author
			}
			authors = append(authors, devices[b.Binding])
			byHandle[bound[b.Binding]] = append(byHandle[bound[b.Binding]], i)
		case *entry.AuthorChange:
			if b.Action == entry.AuthorRevoke {
				authors = append(authors, b.Author)
			}
		case *entry.Consent:
			consents[st.Sub.Handle()] = append(consents[st.Sub.Handle()], i)
		case *entry.Access:
			accessors[b.Accessor] = append(accessors[b.Accessor], i)
		}
		switch st.Sub.Type {
		case entry.SubHandle:
			byHandle[st.Sub.Handle()] = append(byHandle[st.Sub.Handle()], i)
		case entry.SubBinding:
			byHandle[bound[st.Sub.Binding()]] = append(byHandle[bound[st.Sub.Binding()]], i)
		}
		for _, a := range authors {
			byAuthor[a] = append(byAuthor[a], i)
		}
	}
	for h, want := range byHandle {
		wantList(t, "by handle", want, func(from uint64, n int) ([]uint64, error) { return s.l.ByHandle(h, from, n) })
		wantList(t, "consents", consents[h], func(from uint64, n int) ([]uint64, error) { return s.l.Consents(h, from, n) })
		wantList(t, "by accessor", accessors[h], func(from uint64, n int) ([]uint64, error) { return s.l.ByAccessor(h, from, n) })
	}
	for _, sub := range s.subjects {
		id := sub.Device.Key.ID()
		enrolled, _, err := s.l.Author(id)
		must(t, err)
		want := slices.Sorted(slices.Values(append(byAuthor[id], enrolled.Enrolled)))
		wantList(t, "by author", want, func(from uint64, n int) ([]uint64, error) { return s.l.ByAuthor(id, from, n) })
	}
	if none, err := s.l.ByHandle(entry.Handle{1}, 0, 10); err != nil || none != nil {
		t.Errorf("a handle nobody opened: %v, %v", none, err)
	}
}

// wantList reads a list whole, and in pages of three.
func wantList(t *testing.T, what string, want []uint64, list func(from uint64, limit int) ([]uint64, error)) {
	t.Helper()
	got, err := list(0, 10_000)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
	var paged []uint64
	for from := uint64(0); ; from = paged[len(paged)-1] + 1 {
		page, err := list(from, 3)
		must(t, err)
		paged = append(paged, page...)
		if len(page) < 3 {
			break
		}
	}
	if !slices.Equal(paged, want) {
		t.Errorf("%s in pages: %v, want %v", what, paged, want)
	}
}

func TestRegistryReads(t *testing.T) {
	s := tell(t, 10)
	cas, err := s.l.ActiveCAs()
	if err != nil || len(cas) != 1 {
		t.Errorf("%d active CAs, %v; one is confirmed, one is not", len(cas), err)
	}
	nodes, err := s.l.Nodes()
	must(t, err)
	if len(nodes) != 2 || nodes[0].Name != "node-1" || nodes[1].Name != "node-2" || !slices.Equal(nodes[1].Placement, []string{"in", "us"}) {
		t.Errorf("nodes %+v", nodes)
	}
	if policies, err := s.l.Policies(entry.PolicyBundle, entry.RegimeGDPR); err != nil || len(policies) != 1 {
		t.Errorf("policies %v, %v", policies, err)
	}
	waiting, err := s.l.Unconfirmed(entry.StatementID{}, 10)
	if err != nil || len(waiting) != 2 {
		t.Errorf("%d statements wait for a second signature, %v; a CA and a release do", len(waiting), err)
	}
	one, err := s.l.Unconfirmed(waiting[0], 10)
	if err != nil || len(one) != 1 || one[0] != waiting[1] {
		t.Errorf("after the first: %v, %v", one, err)
	}
	if c, ok, err := s.l.Confirmation(waiting[0]); err != nil || !ok || c.Confirmed != nil {
		t.Errorf("confirmation %+v %t %v", c, ok, err)
	}
	if open, err := s.l.Erasures("us"); err != nil || len(open) != 1 {
		t.Errorf("open erasures of us: %v, %v", open, err)
	}
	if open, err := s.l.Erasures("eu"); err != nil || open != nil {
		t.Errorf("open erasures of eu: %v, %v", open, err)
	}
	b, ok, err := s.l.Binding(s.subjects[2].Binding)
	if err != nil || !ok || b.Closed == 0 || b.To == nil || b.Handle != s.subjects[2].Handle {
		t.Errorf("binding %+v %t %v", b, ok, err)
	}
	h, ok, err := s.l.Handle(s.subjects[2].Handle)
	if err != nil || !ok || h.Open() || h.Jurisdiction != "in" {
		t.Errorf("handle %+v %t %v", h, ok, err)
	}
}

// TestFollow reads a growing log from several positions while it grows.
func TestFollow(t *testing.T) {
	w := ledgertest.NewWorld(t, 12)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	const target = 600
	var readers sync.WaitGroup
	for from := range uint64(4) {
		readers.Go(func() {
			if err := followTo(t.Context(), l, 100*from, target); err != nil {
				t.Errorf("from %d: %v", from, err)
			}
		})
	}
	for l.Size() < target {
		var batch []*entry.Statement
		for range min(target-l.Size(), 1+l.Size()%300) {
			batch = append(batch, w.Reading(s))
		}
		w.Apply(t, l, batch...)
	}
	readers.Wait()
}

// followTo reads entries up to a size and compares each with its leaf.
func followTo(ctx context.Context, l *ledger.Ledger, from, size uint64) error {
	next := from
	for e, err := range l.Follow(ctx, from) {
		if err != nil {
			return err
		}
		leaf, err := l.Leaf(next)
		if err != nil {
			return err
		}
		s, err := e.Statement()
		if err != nil {
			return err
		}
		if index, ok, err := l.Find(s.ID()); err != nil || !ok || index != next || e.Index != next || string(leaf) != string(e.Leaf) {
			return fmt.Errorf("entry %d where %d comes (%w)", e.Index, next, err)
		}
		if next++; next == size {
			return nil
		}
	}
	return errors.New("ended early")
}

// TestFollowWaitsAndEnds: at the end of the log a reader waits, until there is
// more or its context ends.
func TestFollowWaitsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ledgertest.NewWorld(t, 14)
		l := w.Open(t, vfs.NewMem(), "ledger")
		ctx, cancel := context.WithCancel(t.Context())
		var seen []uint64
		var end error
		go func() {
			for e, err := range l.Follow(ctx, 1) {
				if end = err; err == nil {
					seen = append(seen, e.Index)
				}
			}
		}()
		synctest.Wait()
		if len(seen) != 0 || end != nil {
			t.Errorf("read %v (%v) from an empty end", seen, end)
		}
		w.Apply(t, l, w.Enrol(w.Key(), entry.RoleAuditor)...)
		synctest.Wait()
		if !slices.Equal(seen, []uint64{1}) || end != nil {
			t.Errorf("read %v (%v) after one entry", seen, end)
		}
		w.Apply(t, l)
		cancel()
		synctest.Wait()
		if !slices.Equal(seen, []uint64{1}) || !errors.Is(end, context.Canceled) {
			t.Errorf("ended with %v after %v", end, seen)
		}
	})
}

// TestReadersSeeOnlyWhatIsCommitted proves and reads while the log grows.
func TestReadersSeeOnlyWhatIsCommitted(t *testing.T) {
	w := ledgertest.NewWorld(t, 13)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := readNewest(l); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 300 {
		w.Apply(t, l, w.Reading(s), w.Reading(s), w.Reading(s))
	}
	close(done)
	readers.Wait()
}

// readNewest takes every sort of proof at the newest size.
func readNewest(l *ledger.Ledger) error {
	size := l.Size()
	root, err := l.Root(size)
	if err != nil {
		return err
	}
	leaf, err := l.Leaf(size - 1)
	if err != nil {
		return err
	}
	path, err := l.Inclusion(size-1, size)
	if err != nil {
		return err
	}
	if err := proof.VerifyInclusion(proof.LeafHash(leaf), size-1, size, path, root); err != nil {
		return err
	}
	half, err := l.Root(size / 2)
	if err != nil {
		return err
	}
	growth, err := l.Consistency(size/2, size)
	if err != nil {
		return err
	}
	if err := proof.VerifyConsistency(size/2, size, growth, half, root); err != nil {
		return err
	}
	_, err = l.Tile(proof.Tile{Index: (size - 1) / proof.TileWidth, Width: int((size-1)%proof.TileWidth) + 1}, size)
	return err
}

func TestConfigSaysAllThatIsMissing(t *testing.T) {
	if err := (ledger.Config{CacheRows: -1}).Validate(); err == nil || len(errorsIn(err)) < 5 {
		t.Fatalf("%v", err)
	}
	if _, err := ledger.Open(ledger.Config{}); err == nil {
		t.Fatal("opened nothing")
	}
}

func errorsIn(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	return joined.Unwrap()
}
