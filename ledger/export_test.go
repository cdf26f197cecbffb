package ledger

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/state"
)

// RowNames are the prefixes of the key space and what each holds.
func RowNames() map[byte]string { return rowNames }

// DecodeAppend reads what EncodeAppend wrote.
func DecodeAppend(body []byte) ([]Item, error) { return decodeAppend(body) }

// TryApply does all of Apply that comes before the commit, on a reader of the
// test's making.
func (l *Ledger) TryApply(from pebble.Reader, cmd state.Command) (err error) {
	t := l.begin()
	defer func() { err = errors.Join(err, t.discard()) }()
	if t.tree, err = openTree(l.meta.size, l.committed()); err != nil {
		return err
	}
	t.from = from
	candidates, err := t.prepare([]state.Command{cmd})
	if err != nil {
		return err
	}
	_, err = t.command(cmd.Time, candidates[0])
	return err
}
