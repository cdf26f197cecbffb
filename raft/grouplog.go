package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	hraft "github.com/hashicorp/raft"
)

// Value of an entry row: version (1) ‖ term (8) ‖ type (1) ‖ appended at, Unix
// nanoseconds or 0 (8) ‖ length of extensions (4) ‖ extensions ‖ data.
const (
	entryVersion = 1
	entryHeader  = 1 + 8 + 1 + 8 + 4
)

var (
	errHole   = errors.New("raft: the log would have a hole")
	errFolded = errors.New("raft: asked to delete entries that are already folded in")
)

// groupLog is the Raft log and stable store of one group. The library calls
// StoreLogs and suffix deletions from its main goroutine, prefix deletions from
// its snapshot goroutine, and reads from any.
type groupLog struct {
	store  *logStore
	name   string
	number uint16
	base   base
	grown  func(uint64) // told of written after each write; set before the library starts

	// How far the group's state machine has come; set before the library starts.
	// Truncation never passes durable from the front nor applied from the back,
	// whatever is asked.
	position func() (durable, applied uint64)

	written atomic.Uint64 // entry bytes written since the log was opened

	mu     sync.RWMutex // guards what follows
	first  uint64       // 0 while the log is empty
	last   uint64
	sizes  []uint32 // bytes of entries first…last
	bytes  uint64   // their sum
	cached tail

	stable stable
}

func openGroupLog(s *logStore, name string, number uint16) (*groupLog, error) {
	g := &groupLog{
		store: s, name: name, number: number,
		position: func() (uint64, uint64) { return 0, 0 }, grown: func(uint64) {},
	}
	row, err := s.read(nameKey(number, kindBase, ""))
	if err != nil {
		return nil, err
	}
	if g.base, err = decodeBase(row); err != nil {
		return nil, fmt.Errorf("raft: base of group %s: %w", name, err)
	}
	if err := g.loadBounds(); err != nil {
		return nil, fmt.Errorf("raft: bounds of group %s: %w", name, err)
	}
	if err := g.loadStable(); err != nil {
		return nil, fmt.Errorf("raft: term and vote of group %s: %w", name, err)
	}
	return g, nil
}

// loadBounds reads the first and last index. Sizes of entries from before this
// start are taken as equal shares of what they occupy: exact ones would mean
// reading them all.
func (g *groupLog) loadBounds() error {
	lower, upper := nameKey(g.number, kindEntry, ""), nameKey(g.number, kindEntry+1, "")
	it, err := g.store.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	if it.First() {
		g.first = binary.BigEndian.Uint64(it.Key()[logKeyPrefixBytes:])
	}
	if it.Last() {
		g.last = binary.BigEndian.Uint64(it.Key()[logKeyPrefixBytes:])
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil || g.first == 0 {
		return err
	}
	used, err := g.store.db.EstimateDiskUsage(lower, upper)
	if err != nil {
		return err
	}
	share := uint32(min(used/(g.last-g.first+1), MaxCommand))
	g.sizes = make([]uint32, g.last-g.first+1)
	for i := range g.sizes {
		g.sizes[i] = share
	}
	g.bytes = uint64(share) * uint64(len(g.sizes))
	return nil
}

// IsMonotonic tells the library that this log has no holes.
func (g *groupLog) IsMonotonic() bool { return true }

func (g *groupLog) FirstIndex() (uint64, error) {
	first, _ := g.bounds()
	return first, nil
}

func (g *groupLog) LastIndex() (uint64, error) {
	_, last := g.bounds()
	return last, nil
}

func (g *groupLog) bounds() (first, last uint64) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.first, g.last
}

// GetLog implements hraft.LogStore. A miss is exactly hraft.ErrLogNotFound: the
// library compares with ==. To anything else, a stored entry that cannot be
// read back, it would answer with a panic.
func (g *groupLog) GetLog(index uint64, to *hraft.Log) error {
	g.mu.RLock()
	cached := g.cached.get(index)
	g.mu.RUnlock()
	if cached != nil {
		*to = *cached
		return nil
	}
	found, err := g.read(index, to)
	if err != nil {
		g.store.fault.halt("read the Raft log", err)
	}
	if !found {
		return hraft.ErrLogNotFound
	}
	return nil
}

func (g *groupLog) read(index uint64, to *hraft.Log) (found bool, err error) {
	row, closer, err := g.store.db.Get(entryKey(g.number, index))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = decodeEntry(row, index, to)
	return true, errors.Join(err, closer.Close())
}

func (g *groupLog) StoreLog(log *hraft.Log) error { return g.StoreLogs([]*hraft.Log{log}) }

// StoreLogs implements hraft.LogStore: all or nothing, on disk when it returns.
func (g *groupLog) StoreLogs(logs []*hraft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := g.continues(logs); err != nil {
		g.store.fault.fail("extend the Raft log", err)
		return err
	}
	b := g.store.db.NewBatch()
	var written uint64
	for _, l := range logs {
		size := entryHeader + len(l.Extensions) + len(l.Data)
		op := b.SetDeferred(logKeyPrefixBytes+8, size)
		putEntryKey(op.Key, g.number, l.Index)
		encodeEntry(op.Value, l)
		if err := op.Finish(); err != nil {
			g.store.fault.fail("extend the Raft log", err)
			return errors.Join(err, b.Close())
		}
		written += uint64(size)
	}
	g.store.commit("extend the Raft log", b)
	g.extend(logs)
	g.grown(g.written.Add(written))
	return b.Close()
}

// found writes what the library's own bootstrap writes, the first term and the
// first membership, but in one synced batch: a crash between its two writes
// leaves a group that has state, and therefore is never founded again, but has
// no member that could lead it.
func (g *groupLog) found(first hraft.Configuration) error {
	entry := &hraft.Log{Index: 1, Term: 1, Type: hraft.LogConfiguration, Data: hraft.EncodeConfiguration(first)}
	g.stable.mu.Lock()
	defer g.stable.mu.Unlock()
	term := binary.BigEndian.AppendUint64(nil, entry.Term)
	row := make([]byte, entryHeader+len(entry.Data))
	encodeEntry(row, entry)
	b := g.store.db.NewBatch()
	err := errors.Join(
		b.Set(nameKey(g.number, kindStable, stableCurrentTerm), term, nil),
		b.Set(entryKey(g.number, entry.Index), row, nil),
	)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	g.store.commit("found a group", b)
	g.stable.rows[stableCurrentTerm] = term
	g.extend([]*hraft.Log{entry})
	return b.Close()
}

func (g *groupLog) continues(logs []*hraft.Log) error {
	_, last := g.bounds()
	want := last + 1
	if last == 0 {
		want = logs[0].Index // an empty log begins where its base or a snapshot ends
	}
	for _, l := range logs {
		if l.Index != want || l.Index == 0 {
			return fmt.Errorf("%w: entry %d where %d belongs", errHole, l.Index, want)
		}
		want++
	}
	return nil
}

func (g *groupLog) extend(logs []*hraft.Log) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first == 0 {
		g.first = logs[0].Index
	}
	for _, l := range logs {
		size := entryHeader + len(l.Extensions) + len(l.Data)
		g.sizes = append(g.sizes, uint32(size))
		g.bytes += uint64(size)
		g.cached.push(l, size)
	}
	g.last = logs[len(logs)-1].Index
}

// DeleteRange implements hraft.LogStore, both ends included. From the front it
// is compaction and is clamped to what the state machine has made durable, and
// leaves the newest entry, by which a start sees that the log is whole; at the
// back it removes what another leader overruled, which can never be
// something already folded in. Anything else would leave a hole.
func (g *groupLog) DeleteRange(from, to uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	durable, applied := g.position()
	switch {
	case g.first == 0 || from > to || to < g.first || from > g.last:
		return nil
	case to >= g.last && from > durable:
		if from <= applied {
			return g.refuse(errFolded, from, to)
		}
		return g.cut(max(from, g.first), g.last, pebble.Sync)
	case from <= g.first:
		to = min(to, g.last-1, durable)
		if to < g.first {
			return nil
		}
		// Unsynced: a crash that loses it leaves extra log, never a hole.
		return g.cut(g.first, to, pebble.NoSync)
	default:
		return g.refuse(errHole, from, to)
	}
}

func (g *groupLog) refuse(reason error, from, to uint64) error {
	err := fmt.Errorf("%w: %d to %d of %d to %d", reason, from, to, g.first, g.last)
	g.store.fault.fail("truncate the Raft log", err)
	return err
}

// cut deletes entries from…to, which is a whole prefix or suffix, and forgets
// them. The caller holds mu.
func (g *groupLog) cut(from, to uint64, o *pebble.WriteOptions) error {
	defer g.store.watchdog.watch("truncate the Raft log")() // extending the log waits for mu
	if err := g.store.db.DeleteRange(entryKey(g.number, from), entryKey(g.number, to+1), o); err != nil {
		g.store.fault.fail("truncate the Raft log", err)
		return err
	}
	for _, size := range g.sizes[from-g.first : to-g.first+1] {
		g.bytes -= uint64(size)
	}
	switch {
	case from == g.first && to == g.last:
		g.first, g.last, g.sizes = 0, 0, nil
	case from == g.first:
		g.sizes = append([]uint32(nil), g.sizes[to-g.first+1:]...)
		g.first = to + 1
	default:
		g.sizes = g.sizes[:from-g.first]
		g.last = from - 1
	}
	g.cached.forget(from, to)
	return nil
}

// trailing is how many of the newest entries fit into so many bytes.
func (g *groupLog) trailing(bytes uint64) uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var n, sum uint64
	for i := len(g.sizes) - 1; i >= 0; i-- {
		if sum += uint64(g.sizes[i]); sum > bytes {
			break
		}
		n++
	}
	return n
}

func (g *groupLog) logBytes() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.bytes
}

func encodeEntry(to []byte, l *hraft.Log) {
	to[0] = entryVersion
	binary.BigEndian.PutUint64(to[1:], l.Term)
	to[9] = byte(l.Type)
	var at uint64
	if !l.AppendedAt.IsZero() {
		at = uint64(l.AppendedAt.UnixNano())
	}
	binary.BigEndian.PutUint64(to[10:], at)
	binary.BigEndian.PutUint32(to[18:], uint32(len(l.Extensions)))
	n := copy(to[entryHeader:], l.Extensions)
	copy(to[entryHeader+n:], l.Data)
}

func decodeEntry(row []byte, index uint64, to *hraft.Log) error {
	if len(row) < entryHeader || row[0] != entryVersion {
		return errLogRow
	}
	extensions := uint64(binary.BigEndian.Uint32(row[18:]))
	if extensions > uint64(len(row)-entryHeader) {
		return errLogRow
	}
	rest := append([]byte(nil), row[entryHeader:]...)
	*to = hraft.Log{
		Index: index,
		Term:  binary.BigEndian.Uint64(row[1:]),
		Type:  hraft.LogType(row[9]),
		Data:  rest[extensions:],
	}
	if extensions > 0 {
		to.Extensions = rest[:extensions:extensions]
	}
	if at := binary.BigEndian.Uint64(row[10:]); at != 0 {
		to.AppendedAt = time.Unix(0, int64(at))
	}
	return nil
}
