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
	f, version := form{writing: true}, uint64(formatVersion)
	f.uint(&version)
	m.fields(&f)
	return f.data
}

func (m *meta) fields(f *form) {
	f.uint(&m.size)
	f.uint(&m.time)
	f.fixed(m.root[:])
	f.fixed(m.digest[:])
	f.uint(&m.authors)
	f.uint(&m.handles)
}

func decodeMeta(row []byte) (m meta, err error) {
	f, version := form{data: row}, uint64(0)
	if f.uint(&version); version != formatVersion && !f.fault {
		return meta{}, fmt.Errorf("ledger: the database has format %d, this program knows %d", version, formatVersion)
	}
	if m.fields(&f); m.size == 0 || m.size > proof.MaxSize {
		f.fail()
	}
	return m, f.end(keyMeta)
}
