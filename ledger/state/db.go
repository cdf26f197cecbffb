package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormatVersion is the Pebble format every state database is written in. It is
// pinned, not "newest", because tables travel between nodes of different builds.
const FormatVersion = pebble.FormatValueSeparation

// KeyPrefix begins the keys this package keeps for itself. A state machine
// must not write below it.
const KeyPrefix = '!'

const (
	defaultMemTableBytes = 32 << 20
	stopWritesMemTables  = 4
	maxOpenFiles         = 1000
)

var appliedKey = []byte("!applied")

// Options say where a state database lies and what it may use.
type Options struct {
	FS            vfs.FS             // every byte goes through it; required
	Dir           string             // directory of this database; required
	Cache         *pebble.Cache      // block cache shared by the databases of the process; nil means Pebble's own small one
	MemTableBytes uint64             // 0 means 32 MiB
	WAL           bool               // keep Pebble's own write-ahead log as well: a fallback, doubles writes
	ReadOnly      bool               // open for inspection; writes fail
	Name          string             // what log lines call it; "" means "storage"
	Logger        *slog.Logger       // required
	Broken        func(reason error) // told of background I/O errors and corruption; the node must stop. It must not use the database. Required
}

// Validate reports every fault of the options at once.
func (o Options) Validate() error {
	var faults []error
	if o.FS == nil {
		faults = append(faults, errors.New("state: FS is missing"))
	}
	if o.Dir == "" {
		faults = append(faults, errors.New("state: Dir is missing"))
	}
	if o.Logger == nil {
		faults = append(faults, errors.New("state: Logger is missing"))
	}
	if o.Broken == nil {
		faults = append(faults, errors.New("state: Broken is missing"))
	}
	return errors.Join(faults...)
}

// DB is the database of one group on one node. Commit and FastForward belong to
// the goroutine that applies; everything else may be called from any.
type DB struct {
	*pebble.DB

	failure *failure

	mu      sync.Mutex // guards applied
	applied Applied

	closing sync.Once
	closed  error // what closing came to
}

// Open opens or creates the database and reads its applied position.
func Open(o Options) (*DB, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		if err := MakeDir(o.FS, o.Dir); err != nil {
			return nil, err
		}
	}
	f := newFailure(o.Broken)
	p, err := o.open(f)
	if err != nil {
		return nil, fmt.Errorf("state: open %s: %w", o.Dir, err)
	}
	db := &DB{DB: p, failure: f}
	db.applied, err = db.readApplied(nil)
	if err != nil {
		return nil, errors.Join(err, f.bound(p.Close))
	}
	return db, nil
}

func (o Options) pebble(f *failure, fatal func(reason error)) *pebble.Options {
	opts := &pebble.Options{
		FS:                          DurableNames(o.FS),
		Cache:                       o.Cache,
		FormatMajorVersion:          FormatVersion,
		DisableWAL:                  !o.WAL,
		ReadOnly:                    o.ReadOnly,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: stopWritesMemTables,
		MaxOpenFiles:                maxOpenFiles,
		Logger:                      quiet{to: o.Logger, name: cmp.Or(o.Name, "storage"), fatal: fatal},
		EventListener:               o.listener(f),
	}
	if opts.MemTableSize == 0 {
		opts.MemTableSize = defaultMemTableBytes
	}
	return opts
}

func (o Options) listener(f *failure) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			f.note(fmt.Errorf("state: background write in %s: %w", o.Dir, err))
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			o.Broken(fmt.Errorf("state: corrupt file in %s: %w", o.Dir, info.Details))
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			o.Logger.LogAttrs(context.Background(), slog.LevelWarn, "disk is slow",
				slog.String("operation", info.OpType.String()), slog.Duration("for", info.Duration))
		},
	}
}

// Applied is the newest position folded in, durable or not.
func (d *DB) Applied() Applied {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.applied
}

// Commit writes the batch and the position it brings the database to in one
// step, without waiting for the disk. The batch may be empty. Membership
// configuration is kept from the previous position when to.Config is nil.
//
// After a failure that Broken was told of nothing is committed: unflushed,
// the memory for rows fills up, and then a commit would never return.
func (d *DB) Commit(b *pebble.Batch, to Applied) error {
	if err := d.failure.err(); err != nil {
		return err
	}
	from := d.Applied()
	if to.Index < from.Index {
		return fmt.Errorf("state: position would go back from %d to %d", from.Index, to.Index)
	}
	if to.Config == nil {
		to.Config, to.ConfigIndex = from.Config, from.ConfigIndex
	}
	if err := b.Set(appliedKey, to.encode(), nil); err != nil {
		return fmt.Errorf("state: stage position: %w", err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("state: commit: %w", err)
	}
	d.mu.Lock()
	d.applied = to
	d.mu.Unlock()
	return nil
}

// FastForward moves the position over Raft entries that never reach a state
// machine (no-ops, barriers, configurations).
func (d *DB) FastForward(to Applied) error {
	if to.Index < d.Applied().Index {
		return nil
	}
	b := d.NewBatch()
	return errors.Join(d.Commit(b, to), b.Close())
}

// Durable flushes and returns the position that would survive a power cut now.
// A disk that fails meanwhile, for instance because it is full, ends it with the
// reason.
func (d *DB) Durable() (Applied, error) {
	if err := d.failure.bound(d.Flush); err != nil {
		return Applied{}, fmt.Errorf("state: flush: %w", err)
	}
	return d.readApplied(&pebble.IterOptions{OnlyReadGuaranteedDurable: true})
}

// readApplied reads the position through an iterator, because only iterators
// can be told to see nothing but what lies in synced tables.
func (d *DB) readApplied(o *pebble.IterOptions) (Applied, error) {
	it, err := d.NewIter(o)
	if err != nil {
		return Applied{}, fmt.Errorf("state: read position: %w", err)
	}
	a, err := appliedFrom(it)
	return a, errors.Join(err, it.Close())
}

func appliedFrom(it *pebble.Iterator) (Applied, error) {
	if !it.SeekGE(appliedKey) {
		return Applied{}, it.Error()
	}
	if string(it.Key()) != string(appliedKey) {
		return Applied{}, nil
	}
	row, err := it.ValueAndErr()
	if err != nil {
		return Applied{}, fmt.Errorf("state: read position: %w", err)
	}
	return decodeApplied(row)
}

// Close flushes and closes: without Pebble's own log, an unflushed close would
// cost a replay that a clean stop need not cost. A second call answers as the
// first did.
//
// A disk that fails meanwhile, or has failed before, ends the close with the
// reason. The database is left as it fell then: the process has to end.
func (d *DB) Close() error {
	d.closing.Do(func() { d.closed = d.failure.bound(d.close) })
	return d.closed
}

func (d *DB) close() error {
	var flush error
	if d.Applied().Index > 0 {
		flush = d.Flush()
		if errors.Is(flush, pebble.ErrReadOnly) {
			flush = nil
		}
	}
	return errors.Join(flush, d.DB.Close())
}

// After is the smallest key above every key that begins with prefix; nil if
// there is none.
func After(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
