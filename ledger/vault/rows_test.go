package vault

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// rowKey begins the keys of rows, by FORMATS and the table of package store.
func rowKey(letter byte, n uint64, more ...byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{letter}, n), more...)
}

// rows returns the rows of the store whose keys begin with a prefix.
func (s *site) rows(prefix ...byte) map[string][]byte {
	s.tb.Helper()
	end := append([]byte(nil), prefix...)
	end = append(end, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	it, err := s.store.State().NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: end})
	s.must(err)
	list := make(map[string][]byte)
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		s.must(err)
		list[string(it.Key())] = append([]byte(nil), value...)
	}
	s.must(errors.Join(it.Error(), it.Close()))
	return list
}

func (s *site) row(key []byte) []byte {
	s.tb.Helper()
	return s.rows(key...)[string(key)]
}
