package ledger

import (
	"context"
	"iter"

	"indelible/ledger/entry"
	"indelible/proof"
)

// Logged is one entry of the log.
type Logged struct {
	Index      uint64
	LedgerTime uint64 // Unix milliseconds
	Leaf       []byte
}

// Statement parses the statement of the entry.
func (e Logged) Statement() (*entry.Statement, error) {
	s, _, err := parseLogged(e.Index, e.Leaf)
	return s, err
}

// followBatch is how many leaves are read at a time, so that no iterator of the
// database stays open while its reader works.
const followBatch = proof.TileWidth

// Follow yields the entries from index from on, in order, and waits for more
// when it has reached the end. It ends with ctx, yielding its error, or with
// the first read that fails.
func (l *Ledger) Follow(ctx context.Context, from uint64) iter.Seq2[Logged, error] {
	return func(yield func(Logged, error) bool) {
		for next := from; ; {
			batch, err := l.await(ctx, next)
			if err != nil {
				yield(Logged{}, err)
				return
			}
			for _, e := range batch {
				if !yield(e, nil) {
					return
				}
			}
			next += uint64(len(batch))
		}
	}
}

// await returns entries from index next on, at least one.
func (l *Ledger) await(ctx context.Context, next uint64) ([]Logged, error) {
	for {
		v := l.view.Load()
		if v.size > next {
			return l.read(next, min(v.size, next+followBatch))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-v.newer:
		}
	}
}

func (l *Ledger) read(from, to uint64) ([]Logged, error) {
	batch := make([]Logged, 0, to-from)
	err := l.eachLeaf(from, to, func(index uint64, leaf []byte) error {
		time, _, err := entry.ParseLeaf(leaf)
		if err != nil {
			return err
		}
		batch = append(batch, Logged{Index: index, LedgerTime: time, Leaf: append([]byte(nil), leaf...)})
		return nil
	})
	return batch, err
}

// Changed returns a channel that is closed when the next commit is visible.
// Take it before looking, so that no change is missed.
func (l *Ledger) Changed() <-chan struct{} { return l.view.Load().newer }
