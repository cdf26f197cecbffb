package ledger

import (
	"fmt"

	"indelible/proof"
)

// formatVersion is the version of everything in keyspace.go. A database of a
// newer one is refused.
//
// 1: the first.
const formatVersion = 1

// meta is the one row that says where the log stands.
type meta struct {
	size, time uint64
	root       proof.Hash
	digest     proof.Hash // see Ledger.StateHash
	authors    uint64     // numbers given to authors
	handles    uint64     // numbers given to handles
}

func (m *meta) encode() []byte {
	var w rowWriter
	w.uint(formatVersion)
	w.uint(m.size)
	w.uint(m.time)
	w.fixed(m.root[:])
	w.fixed(m.digest[:])
	w.uint(m.authors)
	w.uint(m.handles)
	return w
}

func decodeMeta(row []byte) (meta, error) {
	r := rowReader{rest: row}
	if v := r.uint(); v != formatVersion && !r.fault {
		return meta{}, fmt.Errorf("ledger: the database has format %d, this program knows %d", v, formatVersion)
	}
	m := meta{size: r.uint(), time: r.uint()}
	r.fixed(m.root[:])
	r.fixed(m.digest[:])
	m.authors, m.handles = r.uint(), r.uint()
	if m.size == 0 || m.size > proof.MaxSize {
		r.fail()
	}
	return m, r.end(keyMeta)
}
