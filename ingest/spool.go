package ingest

import (
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
)

// SpoolConfig says where a spool lies and how much it may hold.
type SpoolConfig struct {
	Dir          string // directory of this spool alone; created with mode 0700; required
	SegmentBytes int64  // a segment is closed when it is larger; 0 means 32 MiB
	MaxBytes     int64  // readings waiting, in bytes; 0 means 8 GiB
	Now          func() time.Time
	Rand         io.Reader // CSPRNG for segment keys
	Logger       *slog.Logger

	openDir func(path string) (journal.Dir, error) // nil means journal.OpenDir
}

const (
	defaultSegmentBytes = 32 << 20
	defaultMaxBytes     = 8 << 30
	minSegmentBytes     = 4 << 10
	maxFrame            = journal.MaxFrame
	// maxPending bounds how many readings wait: each takes about 200 bytes of memory.
	maxPending = 4 << 20
)

// Validate reports every fault of the configuration at once.
func (c SpoolConfig) Validate() error {
	return check("spool",
		demand{c.Dir != "", "Dir is missing"},
		demand{c.SegmentBytes == 0 || c.SegmentBytes >= minSegmentBytes, "SegmentBytes is below 4 KiB"},
		demand{c.MaxBytes >= 0, "MaxBytes is negative"},
		demand{c.Now != nil, "Now is missing"},
		demand{c.Rand != nil, "Rand is missing"},
		demand{c.Logger != nil, "Logger is missing"},
	)
}

var (
	// ErrSpoolFull says that the spool holds as much as it may. Nothing was
	// written; wait until the cluster takes some of it.
	ErrSpoolFull = errors.New("ingest: the spool is full")
	// ErrSpoolBroken says that an earlier write failed, so that what is on the disk
	// is unknown to this process. Close the spool and open it again: opening reads
	// what is there.
	ErrSpoolBroken = errors.New("ingest: a write to the spool failed")
	// ErrSpoolLocked says that another process uses the directory.
	ErrSpoolLocked = journal.ErrLocked
	// ErrSpoolCorrupt says that bytes which were durable are not what was written, or
	// that the directory is of another format. The spool does not open: nothing is
	// known about the readings in it. Keep the directory, restore the device's disk,
	// and look for the gap in the log.
	ErrSpoolCorrupt = errors.New("ingest: the spool is corrupt")
	// ErrCommitTooLarge says that one Commit holds more than a frame may, or than the
	// whole spool. Divide it, or allow the spool more.
	ErrCommitTooLarge = errors.New("ingest: a commit exceeds 16 MiB or the bound of the spool")
)

// Spool keeps signed readings on disk, sealed, until the log holds them, and with
// them small values that must move in the same durable write: the input's position,
// who is bound to which device, the state of each device.
//
// A reading leaves it in three ways only: its receipt was verified by this process,
// the log will never take it because its subject is erased, or the log refused it for
// good. See doc.go for the order of durability. Safe for concurrent use.
type Spool struct {
	cfg     SpoolConfig
	journal *journal.Journal // readings and values
	dead    *journal.Journal // dead letters

	// writer is held by the one goroutine that writes to a journal, and to what
	// follows from it.
	writer sync.Mutex
	// reading is held for reading while a record is read, so that no segment is
	// destroyed under a reader. Taken before mu.
	reading sync.RWMutex

	onceKeys keyedMutex
	// signing is held by a job from reading the states of devices to journaling what
	// they signed: two jobs on one spool may measure the same person.
	signing sync.Mutex

	mu       sync.Mutex // guards everything below; what writer's holder alone changes it reads without
	waiting  []*commit
	values   map[string][]byte
	segments []*spoolSegment // ascending; the last is active
	queues   map[string]*queue
	byID     map[entry.StatementID]*pending
	bytes    int64     // sizes of all pending
	stale    bool      // the active segment holds values that were replaced since
	purged   time.Time // when openings of erased subjects were last destroyed
	broken   error
	changed  chan struct{} // closed and replaced when readings arrive or leave
}

// OpenSpool opens or creates a spool and reads what a former process left in it.
func OpenSpool(cfg SpoolConfig) (*Spool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = defaultSegmentBytes
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.openDir == nil {
		cfg.openDir = journal.OpenDir
	}
	s := &Spool{
		cfg:     cfg,
		values:  map[string][]byte{},
		queues:  map[string]*queue{},
		byID:    map[entry.StatementID]*pending{},
		changed: make(chan struct{}),
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Spool) open() (err error) {
	if s.journal, err = s.openJournal("queue", "spool", true); err != nil {
		return err
	}
	if s.dead, err = s.openJournal("dead", "dead letters", false); err != nil {
		return err
	}
	if g := s.dead.Active(); g != nil {
		if err := readLetters(g, func([]byte, DeadLetter) {}); err != nil {
			return err
		}
	}
	return s.load()
}

func (s *Spool) openJournal(name, format string, exclusive bool) (*journal.Journal, error) {
	dir, err := s.cfg.openDir(filepath.Join(s.cfg.Dir, name))
	if err != nil {
		return nil, err
	}
	return journal.Open(journal.Config{Dir: dir, Format: format, Corrupt: ErrSpoolCorrupt, Rand: s.cfg.Rand, Exclusive: exclusive})
}

// Close destroys drained segments and releases the directory. Readings that wait
// stay for the next process.
func (s *Spool) Close() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	fault := s.failure()
	if fault == nil {
		fault = s.tidyUp()
	}
	s.mu.Lock()
	if s.broken == nil {
		s.broken = errors.New("ingest: the spool is closed")
	}
	s.mu.Unlock()
	return errors.Join(fault, s.release())
}

func (s *Spool) release() error {
	var faults []error
	for _, j := range []*journal.Journal{s.journal, s.dead} {
		if j != nil {
			faults = append(faults, j.Close())
		}
	}
	return errors.Join(faults...)
}

func (s *Spool) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Batch is what becomes durable together.
type Batch struct {
	Readings []*client.Signed  // to deliver; one that already waits is not taken twice
	Values   map[string][]byte // nil removes a key
}

func sizeOf(values map[string][]byte) int {
	size := 0
	for key, value := range values {
		size += len(key) + len(value) + recordOverhead
	}
	return size
}

// Commit returns when the whole batch is durable. Concurrent commits share a sync.
func (s *Spool) Commit(b Batch) error {
	c := &commit{values: b.Values, size: sizeOf(b.Values)}
	var added int64
	s.mu.Lock()
	for _, signed := range b.Readings {
		if s.byID[signed.Statement.ID()] != nil {
			continue
		}
		c.readings = append(c.readings, signed)
		c.size += signed.Size() + len(signed.Author.SPKI()) + recordOverhead
		added += int64(signed.Size())
	}
	full := len(c.readings) > 0 && (s.bytes+added > s.cfg.MaxBytes || len(s.byID)+len(c.readings) > maxPending)
	s.mu.Unlock()
	switch {
	case added > s.cfg.MaxBytes: // no room will ever be enough
		return ErrCommitTooLarge
	case full:
		return ErrSpoolFull
	}
	return s.write(c)
}

// Value returns a journaled value. It must not be changed.
func (s *Spool) Value(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[key]
	return value, ok
}

// Once returns the value journaled under key. If there is none it calls make,
// journals the result and returns it when it is durable. So what make signs is
// signed once and resent as the same bytes, whatever crashes in between. Callers
// for one key wait for each other.
func (s *Spool) Once(key string, make func() ([]byte, error)) ([]byte, error) {
	defer s.onceKeys.lock(key)()
	if value, ok := s.Value(key); ok {
		return value, nil
	}
	value, err := make()
	if err != nil {
		return nil, err
	}
	if err := s.Commit(Batch{Values: map[string][]byte{key: value}}); err != nil {
		return nil, err
	}
	return value, nil
}

// Pending says how much waits to be delivered.
func (s *Spool) Pending() (readings int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID), s.bytes
}

// keyedMutex is one mutex for each key in use.
type keyedMutex struct {
	mu    sync.Mutex
	freed *sync.Cond // on mu
	held  map[string]bool
}

// lock waits for the key and returns what unlocks it.
func (k *keyedMutex) lock(key string) func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.freed, k.held = sync.NewCond(&k.mu), map[string]bool{}
	}
	for k.held[key] {
		k.freed.Wait()
	}
	k.held[key] = true
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.held, key)
		k.freed.Broadcast()
	}
}

// keys lists the keys of values that begin with a prefix, in no order.
func (s *Spool) keys(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}
