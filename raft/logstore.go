package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/state"
)

// The Raft log of all groups of a node lies in one Pebble database, so that
// one sync serves them all. Keys are
//
//	group (2, big-endian) ‖ kind (1) ‖ index (8, big-endian) or name
//
// Group 0 is the node itself.
const (
	nodeGroup = 0

	kindEntry      = 1 // one Raft entry, by index
	kindStable     = 2 // term and vote, by the library's name for them
	kindBase       = 3 // what lies before the first entry
	kindGroup      = 4 // under group 0: group name → number
	kindCheckpoint = 5 // under group 0: what was published

	logDir = "raftlog"

	// A large memtable lets most entries be truncated before they would be
	// written a second time, into a table (decision 0021).
	logMemTableBytes  = 64 << 20
	maxGroups         = 1 << 10 // a node has a handful; more means a damaged table
	logKeyPrefixBytes = 3
)

var (
	errDiskHangs = errors.New("the disk has not answered for too long")
	errLogRow    = errors.New("raft: a row of the Raft log is malformed")
)

// logStore is the database of Raft logs of one node.
type logStore struct {
	db       *state.DB
	fault    *fault
	watchdog watchdog

	writes atomic.Uint64 // synced writes of all groups

	mu     sync.Mutex           // guards groups
	groups map[string]*groupLog // open ones, by name
}

func openLogStore(cfg Config, f *fault) (*logStore, error) {
	db, err := state.Open(state.Options{
		FS: cfg.FS, Dir: cfg.FS.PathJoin(cfg.Dir, logDir), Cache: cfg.Cache, MemTableBytes: logMemTableBytes, WAL: true,
		Name: "raft log storage", Logger: cfg.Logger, Broken: func(reason error) { f.fail("raft log storage", reason) },
	})
	if err != nil {
		return nil, err
	}
	return &logStore{db: db, fault: f, watchdog: watchdog{f, cfg.Limits.DiskHang}, groups: map[string]*groupLog{}}, nil
}

// close closes the database. A disk that fails meanwhile ends it with the
// reason; a second call answers as the first did.
func (s *logStore) close() error { return s.db.Close() }

// commit makes a batch durable. It returns only on success: any failure ends
// the node, for after a failed sync it is unknown what the disk holds.
func (s *logStore) commit(step string, b *pebble.Batch) {
	defer s.watchdog.watch(step)()
	if err := b.Commit(pebble.Sync); err != nil {
		s.fault.halt(step, err)
	}
	s.writes.Add(1)
}

// group opens the log of a group, giving it a number at first use.
func (s *logStore) group(name string) (*groupLog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.groups[name]; ok {
		return g, nil
	}
	numbers, err := s.numbers()
	if err != nil {
		return nil, err
	}
	number, known := numbers[name]
	if !known {
		if number, err = s.number(name, numbers); err != nil {
			return nil, err
		}
	}
	g, err := openGroupLog(s, name, number)
	if err != nil {
		return nil, err
	}
	s.groups[name] = g
	return g, nil
}

// number assigns the next free group number and writes it together with the
// group's base, before anything is stored under it.
func (s *logStore) number(name string, taken map[string]uint16) (uint16, error) {
	if len(taken) >= maxGroups {
		return 0, fmt.Errorf("raft: more than %d groups", maxGroups)
	}
	next := uint16(nodeGroup)
	for _, n := range taken {
		next = max(next, n)
	}
	next++
	b := s.db.NewBatch()
	err := errors.Join(
		b.Set(nameKey(nodeGroup, kindGroup, name), binary.BigEndian.AppendUint16(nil, next), nil),
		b.Set(nameKey(next, kindBase, ""), base{generation: 1}.encode(), nil),
	)
	if err != nil {
		return 0, errors.Join(err, b.Close())
	}
	s.commit("number a group", b)
	return next, b.Close()
}

func (s *logStore) numbers() (map[string]uint16, error) {
	numbers := map[string]uint16{}
	err := s.each(nodeGroup, kindGroup, func(name string, value []byte) error {
		if len(value) != 2 {
			return errLogRow
		}
		numbers[name] = binary.BigEndian.Uint16(value)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("raft: read groups: %w", err)
	}
	return numbers, nil
}

// each hands the named rows of a kind to use, which must not keep the value.
func (s *logStore) each(group uint16, kind byte, use func(name string, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: nameKey(group, kind, ""), UpperBound: nameKey(group, kind+1, "")})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = use(string(it.Key()[logKeyPrefixBytes:]), it.Value())
	}
	return errors.Join(err, it.Error(), it.Close())
}

// read returns a copy of a row, or nil when there is none.
func (s *logStore) read(key []byte) ([]byte, error) {
	row, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("raft: read the log database: %w", err)
	}
	return append(make([]byte, 0, len(row)), row...), closer.Close()
}

func nameKey(group uint16, kind byte, name string) []byte {
	k := make([]byte, logKeyPrefixBytes, logKeyPrefixBytes+len(name))
	binary.BigEndian.PutUint16(k, group)
	k[2] = kind
	return append(k, name...)
}

func entryKey(group uint16, index uint64) []byte {
	var k [logKeyPrefixBytes + 8]byte
	putEntryKey(k[:], group, index)
	return k[:]
}

func putEntryKey(to []byte, group uint16, index uint64) {
	binary.BigEndian.PutUint16(to, group)
	to[2] = kindEntry
	binary.BigEndian.PutUint64(to[logKeyPrefixBytes:], index)
}

// base says what a group's log stands on: the generation of the state database
// and the position before the first entry the log may hold.
type base struct {
	generation uint64
	index      uint64
	term       uint64
}

const (
	baseVersion = 1
	baseBytes   = 1 + 3*8
)

func (b base) encode() []byte {
	row := append(make([]byte, 0, baseBytes), baseVersion)
	row = binary.BigEndian.AppendUint64(row, b.generation)
	row = binary.BigEndian.AppendUint64(row, b.index)
	return binary.BigEndian.AppendUint64(row, b.term)
}

func decodeBase(row []byte) (base, error) {
	if len(row) != baseBytes || row[0] != baseVersion {
		return base{}, errLogRow
	}
	return base{
		generation: binary.BigEndian.Uint64(row[1:]),
		index:      binary.BigEndian.Uint64(row[9:]),
		term:       binary.BigEndian.Uint64(row[17:]),
	}, nil
}
