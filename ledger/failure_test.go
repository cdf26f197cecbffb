package ledger_test

import (
	"errors"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
)

var errNoRead = errors.New("a read failed")

// failing is a reader whose n-th read fails, and all after it.
type failing struct {
	pebble.Reader
	left   int
	failed bool
}

func (f *failing) read() error {
	if f.left == 0 {
		f.failed = true
		return errNoRead
	}
	f.left--
	return nil
}

func (f *failing) Get(key []byte) ([]byte, io.Closer, error) {
	if err := f.read(); err != nil {
		return nil, nil, err
	}
	return f.Reader.Get(key)
}

func (f *failing) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	if err := f.read(); err != nil {
		return nil, err
	}
	return f.Reader.NewIter(o)
}

// TestEveryReadFails applies a history entry by entry, and before each lets every
// read that it takes fail: the failure comes out, whatever was judged after it.
func TestEveryReadFails(t *testing.T) {
	s := tell(t, 12)
	cfg := s.Config(vfs.NewMem(), "ledger")
	cfg.CacheRows = 1
	l, err := ledger.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for index := uint64(1); index < s.l.Size(); index++ {
		leaf, err := s.l.Leaf(index)
		if err != nil {
			t.Fatal(err)
		}
		time, raw, err := entry.ParseLeaf(leaf)
		if err != nil {
			t.Fatal(err)
		}
		cmd := s.Command(index, ledger.Item{Statement: raw, SealedAt: sealedAt(t, raw, time)})
		cmd.Time = time
		for n := 0; ; n++ {
			from := &failing{Reader: l.State(), left: n}
			err := l.TryApply(from, cmd)
			if !from.failed {
				if err != nil {
					t.Fatalf("entry %d: %v", index, err)
				}
				reads += n
				break
			}
			if !errors.Is(err, errNoRead) {
				t.Fatalf("entry %d, read %d failed: %v", index, n, err)
			}
		}
		if _, err := l.Apply([]state.Command{cmd}); err != nil {
			t.Fatal(err)
		}
	}
	if reads < 1000 {
		t.Errorf("only %d reads", reads)
	}
	size, digest := l.StateHash()
	if wantSize, want := s.l.StateHash(); size != wantSize || digest != want {
		t.Errorf("%d entries with state %s, want %d with %s", size, digest, wantSize, want)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func sealedAt(t *testing.T, raw []byte, time uint64) uint64 {
	t.Helper()
	s, err := entry.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if s.Parts == nil {
		return 0
	}
	return time
}

// A row that is damaged is an error to its readers, and never an answer.
func TestDamagedRowsAreNoAnswers(t *testing.T) {
	s := tell(t, 12)
	stmt, _, err := s.l.Statement(s.l.Size() - 1)
	if err != nil {
		t.Fatal(err)
	}
	id := stmt.ID()
	if err := s.l.State().Set(append([]byte{'s'}, id[:]...), []byte{5, 1, 2}, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if index, ok, err := s.l.Find(id); err == nil || ok {
		t.Errorf("a statement whose row is damaged was found at %d: %v, %v", index, ok, err)
	}
	if o, ok, err := s.l.Known(id); err == nil || ok {
		t.Errorf("a statement whose row is damaged has the outcome %+v: %v, %v", o, ok, err)
	}
}
