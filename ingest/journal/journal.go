package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
)

// Config says where a journal lies and what it holds. Dir, Format, Corrupt and
// Rand are required.
type Config struct {
	Dir     Dir       // of this journal alone, but for its lock; Close closes it
	Format  string    // what the records are, 1 to 16 bytes; no segment of another one is opened
	Corrupt error     // what damage is reported as
	Rand    io.Reader // CSPRNG for keys and tags

	Exclusive bool // keep other processes out of the directory
}

const (
	lockName = "lock"
	// headFrame is how much of a segment's head goes into one frame, in bytes.
	headFrame = 4 << 20
)

// Journal is a directory of segments. One goroutine at a time may call its methods
// and Size of segments. Meanwhile others may scan and read segments, but not one that
// is being destroyed.
type Journal struct {
	cfg      Config
	segments []*Segment // ascending; the last is active
	failed   error      // why nothing can be written any more

	mu    sync.Mutex // guards last, the frame read last: records are often read in order
	last  *frame
	owner *Segment // of last
}

// Open opens the journal of a directory, or an empty one, and finishes what a crash
// interrupted. Before anything is appended the active segment must be scanned, if there
// is one. The journal takes over Dir, also after an error.
func Open(cfg Config) (*Journal, error) {
	j := &Journal{cfg: cfg}
	var err error
	if cfg.Exclusive {
		err = cfg.Dir.Lock()
	}
	if err == nil {
		err = j.open()
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) open() error {
	published, leftovers, err := j.list()
	if err != nil {
		return err
	}
	for _, number := range published {
		key, zeros, err := j.key(number)
		if err != nil {
			return err
		}
		if zeros && j.Active() != nil && number == published[len(published)-1] {
			return fmt.Errorf("%w: segment %d: its key is zeros, and it is destroyed last", j.cfg.Corrupt, number)
		}
		if zeros { // its destruction had begun
			leftovers = append(leftovers, number)
			continue
		}
		g := &Segment{journal: j, number: number}
		if err := g.open(segmentName(number), false, key); err != nil {
			return err
		}
		j.segments = append(j.segments, g)
		if err := g.readHeader(); err != nil {
			return err
		}
	}
	if err := j.readClosed(); err != nil {
		return err
	}
	for _, number := range leftovers {
		if g := j.Active(); g != nil && number < g.number {
			if _, zeros, err := j.key(number); err != nil || !zeros {
				return errors.Join(err, fmt.Errorf("%w: segment %d: its key is there and its file is missing", j.cfg.Corrupt, number))
			}
		}
		if err := j.destroyFiles(number); err != nil {
			return err
		}
	}
	return j.cfg.Dir.Sync() // a killed process may have published and not synced
}

// list returns the numbers of published segments, ascending, and others of which
// something is left.
func (j *Journal) list() (published, leftovers []uint64, err error) {
	names, err := j.cfg.Dir.List()
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names) // N.key, N.seg, N.tmp
	foreign := ""
	for _, name := range names {
		number, err := strconv.ParseUint(name[:min(16, len(name))], 10, 64)
		switch {
		case err == nil && name == segmentName(number):
			published = append(published, number)
		case err == nil && (name == keyName(number) || name == temporaryName(number)):
			if !slices.Contains(names, segmentName(number)) {
				leftovers = append(leftovers, number)
			}
		case name != lockName:
			foreign = name
		}
	}
	if foreign != "" && len(published) == 0 {
		return nil, nil, fmt.Errorf("%w: the directory holds %q and no segment of a journal of %s: it is of another format", j.cfg.Corrupt, foreign, j.cfg.Format)
	}
	return published, slices.Compact(leftovers), nil
}

// key reads the key of a segment that was published.
func (j *Journal) key(number uint64) (key []byte, zeros bool, err error) {
	key = make([]byte, keySize)
	file, err := j.cfg.Dir.Open(keyName(number), false)
	if err == nil {
		_, err = file.ReadAt(key, 0)
		err = errors.Join(err, file.Close())
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("%w: segment %d: its key is missing", j.cfg.Corrupt, number)
	}
	return key, bytes.Equal(key, make([]byte, keySize)), err
}

// closedSize is the size of what frame 0 says of one closed segment: number (8) ‖
// bytes that count (8).
const closedSize = 16

// readClosed learns from the newest segment where each closed one ends.
func (j *Journal) readClosed() error {
	active := j.Active()
	if active == nil {
		return nil
	}
	first, err := active.read(int64(headerSize), active.head, 0)
	if err != nil {
		return err
	}
	if first == nil || first.ordinal != 0 {
		return active.corrupt(int64(headerSize), "its first frame does not open")
	}
	for rest := first.payload; len(rest) >= closedSize; rest = rest[closedSize:] {
		for _, g := range j.segments {
			if g.number == binary.BigEndian.Uint64(rest) {
				g.size.Store(int64(binary.BigEndian.Uint64(rest[8:])))
			}
		}
	}
	for _, g := range j.segments[:len(j.segments)-1] {
		if g.Size() == 0 {
			return g.corrupt(0, "it is from another time: the newest segment does not name it")
		}
	}
	return nil
}

// Segments are those there are, ascending; the last one is active.
func (j *Journal) Segments() []*Segment { return slices.Clone(j.segments) }

// Active is the segment that Append writes to, nil in an empty journal.
func (j *Journal) Active() *Segment {
	if len(j.segments) == 0 {
		return nil
	}
	return j.segments[len(j.segments)-1]
}

// Failed is why the journal takes nothing more: a write failed, or it is closed.
func (j *Journal) Failed() error { return j.failed }

// Append writes records behind the last ones and returns when they are durable, with
// their addresses in the active segment. Together, with RecordOverhead for each, they
// may hold MaxFrame bytes. After an error the journal takes nothing more: what is on
// the disk is unknown until it is opened again.
func (j *Journal) Append(records ...[]byte) ([]Address, error) {
	if j.failed != nil || len(records) == 0 {
		return nil, j.failed
	}
	g := j.Active()
	if g == nil || g.Size() == 0 {
		panic("ingest: append to a journal that was not scanned")
	}
	size := 0
	for _, record := range records {
		size += len(record) + RecordOverhead
	}
	if size > MaxFrame {
		panic("ingest: a frame is larger than its bound")
	}
	payload, at := make([]byte, 0, size), make([]Address, len(records))
	for i, record := range records {
		at[i] = addressOf(g.Size(), len(payload))
		payload = appendRecord(payload, record)
	}
	if j.failed = g.write(payload); j.failed == nil {
		j.failed = g.file.Sync()
	}
	if j.failed != nil {
		return nil, j.failed
	}
	j.failed = g.mark() // the records are durable all the same
	return at, nil
}

// Rotate begins a new segment with the records that head adds; each may hold what one
// Append takes. It is active when all of that is durable.
func (j *Journal) Rotate(head func(add func(record []byte) (Address, error)) error) error {
	if j.failed != nil {
		return j.failed
	}
	number, closed := uint64(1), []byte(nil)
	for _, g := range j.segments {
		closed = binary.BigEndian.AppendUint64(closed, g.number)
		closed = binary.BigEndian.AppendUint64(closed, uint64(g.Size()))
		number = g.number + 1
	}
	g, err := j.create(number)
	if err != nil {
		return err
	}
	if err := g.writeHead(closed, head); err != nil {
		return errors.Join(err, g.file.Close())
	}
	if err := g.publish(); err != nil {
		j.failed = err // it may have its name
		return errors.Join(err, g.file.Close())
	}
	j.segments = append(j.segments, g)
	return nil
}

func (g *Segment) writeHead(closed []byte, head func(add func(record []byte) (Address, error)) error) error {
	if err := g.write(closed); err != nil {
		return err
	}
	var payload []byte
	add := func(record []byte) (Address, error) {
		if len(payload) > headFrame || len(payload)+len(record)+RecordOverhead > MaxFrame {
			if err := g.write(payload); err != nil {
				return 0, err
			}
			payload = nil
		}
		at := addressOf(g.Size(), len(payload))
		payload = appendRecord(payload, record)
		return at, nil
	}
	if err := head(add); err != nil || len(payload) == 0 {
		return err
	}
	return g.write(payload)
}

// Read returns one record. It must not be changed.
func (g *Segment) Read(at Address) ([]byte, error) {
	offset, within := at.split()
	j := g.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.owner != g || j.last.offset != offset {
		f, err := g.read(offset, 1<<40, 1)
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, g.corrupt(offset, "a frame does not open")
		}
		j.last, j.owner = f, g
	}
	if within < len(j.last.payload) {
		if record, _, ok := cutRecord(j.last.payload[within:]); ok {
			return record, nil
		}
	}
	return nil, g.corrupt(offset, "a record is not where it was")
}

// Destroy overwrites and removes the key of a segment, then nothing can open the
// segment, nor any copy that a file system or a drive may have kept. The active one
// is destroyed last, after all others. After an error the journal takes nothing more:
// whether the key is still there is unknown until it is opened again.
func (j *Journal) Destroy(g *Segment) error {
	if g == j.Active() && len(j.segments) > 1 {
		panic("ingest: the active segment cannot be destroyed before others")
	}
	j.mu.Lock()
	if j.owner == g {
		j.last, j.owner = nil, nil
	}
	j.mu.Unlock()
	j.segments = slices.DeleteFunc(j.segments, func(other *Segment) bool { return other == g })
	err := g.file.Close()
	if err == nil {
		err = j.destroyFiles(g.number)
	}
	if err != nil && j.failed == nil {
		j.failed = err
	}
	return err
}

// destroyFiles removes what there is of a segment, the key last: it says that the
// rest is to be removed.
func (j *Journal) destroyFiles(number uint64) error {
	if err := WriteFile(j.cfg.Dir, keyName(number), make([]byte, keySize)); err != nil {
		return err
	}
	for _, names := range [][]string{{segmentName(number), temporaryName(number)}, {keyName(number)}} {
		for _, name := range names {
			if err := j.cfg.Dir.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		if err := j.cfg.Dir.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// Close releases the directory. Everything appended is durable already.
func (j *Journal) Close() error {
	if j.failed == nil {
		j.failed = errors.New("ingest: the journal is closed")
	}
	faults := []error{j.cfg.Dir.Close()}
	for _, g := range j.segments {
		faults = append(faults, g.file.Close())
	}
	j.segments = nil
	return errors.Join(faults...)
}
