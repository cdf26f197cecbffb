package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// Ledger is the log on one node. Apply belongs to one goroutine; everything
// else may be called from any.
type Ledger struct {
	log      *slog.Logger
	verifier *entry.Verifier
	db       *state.DB
	genesis  founding
	tables   tables                  // as committed
	devices  *cache[uint64, *device] // by author number; derived from used, run and waiting rows
	tiles    *cache[tileID, *expanded]

	view atomic.Pointer[view] // what readers see

	// Owned by the goroutine that calls Apply.
	meta   meta
	tree   *tree
	broken error // set once; the state in memory may be ahead of the database
}

// view is what is committed, as one value.
type view struct {
	size, time uint64
	root       proof.Hash
	digest     proof.Hash
	newer      chan struct{} // closed when a newer view is there
}

// tables are the registries, for a transaction with its changes on top.
type tables struct {
	authors  overlay[entry.AuthorID, Author]
	cas      overlay[caID, CA]
	handles  overlay[entry.Handle, Handle]
	bindings overlay[entry.BindingID, Binding]
	nodes    overlay[string, member]
	erasures overlay[entry.StatementID, Erasure]
	holds    overlay[entry.StatementID, Hold]
	pending  overlay[entry.StatementID, Confirmation]
	sids     overlay[entry.StatementID, position]
	requests overlay[requested, position]
	used     overlay[number, usedRow]
	repeats  overlay[repetition, repeatRow]
	runs     overlay[runID, runRow]
	waiting  overlay[awaited, waitingRow]
	marks    overlay[uint64, markRow]
}

func newTables(rows int) tables {
	return tables{
		authors: authorTable.open(rows), cas: caTable.open(0), handles: handleTable.open(rows), bindings: bindingTable.open(rows),
		nodes: nodeTable.open(maxNodesKept), erasures: erasureTable.open(0), holds: holdTable.open(0), pending: pendingTable.open(0),
		sids: sidTable.open(0), requests: requestTable.open(0), used: usedTable.open(0), repeats: repeatTable.open(0),
		runs: runTable.open(rows), waiting: waitingTable.open(0), marks: markTable.open(0),
	}
}

// Open opens the ledger of cfg, and founds it if its database is empty: the
// genesis becomes index 0. A database that holds another log is refused with
// both identities, one whose rows contradict each other with what does not fit.
func Open(cfg Config) (*Ledger, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	db, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	l, err := openOn(db, cfg)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return l, nil
}

func openOn(db *state.DB, cfg Config) (*Ledger, error) {
	rows := cmp.Or(cfg.CacheRows, DefaultCacheRows)
	l := &Ledger{
		log: cfg.Logger, verifier: cfg.Verifier, db: db,
		tables: newTables(rows), devices: newCache[uint64, *device](rows), tiles: newCache[tileID, *expanded](tilesKept),
	}
	founded, err := readRow(db, metaKey, func(row []byte) (err error) {
		l.meta, err = decodeMeta(row)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case founded:
		return l, l.resume(cfg.Genesis)
	case cfg.State.ReadOnly:
		return nil, errors.New("ledger: the database is empty: it holds no log")
	}
	return l, l.found(cfg.Genesis)
}

// resume takes up a log that exists, and refuses one that is not whole at its
// edge: tiles, root and newest leaf must agree.
func (l *Ledger) resume(genesis []byte) error {
	first, err := l.readLeaf(0)
	if err != nil {
		return err
	}
	if l.genesis, err = foundingOf(first, l.verifier); err != nil {
		return fmt.Errorf("ledger: entry 0: %w", err)
	}
	if len(genesis) > 0 {
		if err := l.genesis.same(genesis); err != nil {
			return err
		}
	}
	if l.tree, err = openTree(l.meta.size, l.committed()); err != nil {
		return err
	}
	if root := l.tree.root(); root != l.meta.root {
		return fmt.Errorf("%w: tile: the tree of %d entries has root %s, recorded is %s", errRow, l.meta.size, root, l.meta.root)
	}
	if err := l.checkNewest(); err != nil {
		return err
	}
	l.publish()
	return nil
}

func (l *Ledger) checkNewest() error {
	newest := l.meta.size - 1
	leaf, err := l.readLeaf(newest)
	if err != nil {
		return err
	}
	hashes, err := l.committed().hashes(tileID{0, newest / proof.TileWidth}, int(newest%proof.TileWidth)+1)
	if err != nil {
		return err
	}
	if proof.LeafHash(leaf) != hashes[len(hashes)-1] {
		return fmt.Errorf("%w: leaf: entry %d is not the one in the tree", errRow, newest)
	}
	return nil
}

func (l *Ledger) publish() {
	next := &view{
		size: l.meta.size, time: l.meta.time, root: l.meta.root, digest: l.meta.digest,
		newer: make(chan struct{}),
	}
	if last := l.view.Swap(next); last != nil {
		close(last.newer)
	}
}

// Close flushes and closes the database. Nothing may be using the ledger.
func (l *Ledger) Close() error { return l.db.Close() }

// State is the database, for package raft: positions, checkpoints, flushing.
func (l *Ledger) State() *state.DB { return l.db }

// ID is the log's identity: the leaf hash of its genesis.
func (l *Ledger) ID() entry.LogID { return l.genesis.id }

// Genesis is what founded the log. It must not be changed.
func (l *Ledger) Genesis() *entry.Genesis { return l.genesis.body }

// SingleAuthority reports whether genesis names exactly one registrar: then
// statements that would need a second signature take effect at once, and
// certificates of this log say so.
func (l *Ledger) SingleAuthority() bool { return l.genesis.single() }

// Size is the number of entries committed.
func (l *Ledger) Size() uint64 { return l.view.Load().size }

// Time is ledger time: the largest time of any command applied, Unix
// milliseconds. It never goes back.
func (l *Ledger) Time() uint64 { return l.view.Load().time }

// StateHash is a digest over every row that the first size entries caused, in
// their order. Two nodes that differ in it at the same size have judged
// differently: one of them must stop.
func (l *Ledger) StateHash() (size uint64, digest proof.Hash) {
	v := l.view.Load()
	return v.size, v.digest
}

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
