package journal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync/atomic"
)

const (
	magic        = "indelible jrnl 1"
	formatSize   = 16
	tagSize      = 8
	identitySize = len(magic) + formatSize + 8 + tagSize
	headerSize   = identitySize + 8 + 4
	keySize      = 32
)

// Segment is one file of a journal.
type Segment struct {
	journal  *Journal
	number   uint64
	file     File
	box      cipher.AEAD
	identity []byte
	head     int64        // bytes it was published with
	size     atomic.Int64 // bytes that count; 0 in the active segment until it is scanned
	frames   uint32       // of the active segment
}

// Number is higher than that of every segment that was there before.
func (g *Segment) Number() uint64 { return g.number }

// Size is the segment's size in bytes.
func (g *Segment) Size() int64 { return g.size.Load() }

// HeadSize is how many of them Rotate wrote.
func (g *Segment) HeadSize() int64 { return g.head }

// Next is the address of the first record that is appended next.
func (g *Segment) Next() Address { return addressOf(g.Size(), 0) }

func (g *Segment) tag() []byte { return g.identity[identitySize-tagSize:] }

func (g *Segment) corrupt(offset int64, what string) error {
	return fmt.Errorf("%w: segment %d at byte %d: %s", g.journal.cfg.Corrupt, g.number, offset, what)
}

func segmentName(number uint64) string   { return fmt.Sprintf("%016d.seg", number) }
func keyName(number uint64) string       { return fmt.Sprintf("%016d.key", number) }
func temporaryName(number uint64) string { return fmt.Sprintf("%016d.tmp", number) }

// begin is how the segments of a journal begin.
func (c Config) begin() []byte {
	begin := append(make([]byte, 0, identitySize), magic...)
	return append(append(begin, c.Format...), make([]byte, formatSize-len(c.Format))...)
}

// create makes a segment under a temporary name. It counts from publish on.
func (j *Journal) create(number uint64) (*Segment, error) {
	drawn := make([]byte, keySize+tagSize)
	if _, err := io.ReadFull(j.cfg.Rand, drawn); err != nil {
		return nil, fmt.Errorf("ingest: draw a segment key: %w", err)
	}
	if err := WriteFile(j.cfg.Dir, keyName(number), drawn[:keySize]); err != nil {
		return nil, err
	}
	// No segment may have its name before its key has one.
	if err := j.cfg.Dir.Sync(); err != nil {
		j.failed = err // a later sync would say nothing of it
		return nil, err
	}
	g := &Segment{journal: j, number: number}
	g.identity = append(binary.BigEndian.AppendUint64(j.cfg.begin(), number), drawn[keySize:]...)
	if err := g.open(temporaryName(number), true, drawn[:keySize]); err != nil {
		return nil, err
	}
	g.size.Store(int64(headerSize))
	if err := g.file.Truncate(0); err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	return g, nil
}

// open opens the segment's file, which its key seals.
func (g *Segment) open(name string, create bool, key []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if g.box, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return err
	}
	g.file, err = g.journal.cfg.Dir.Open(name, create)
	return err
}

// publish makes everything written so far durable, under the segment's own name.
func (g *Segment) publish() error {
	g.head = g.Size()
	header := binary.BigEndian.AppendUint64(bytes.Clone(g.identity), uint64(g.head))
	header = binary.BigEndian.AppendUint32(header, crc32.ChecksumIEEE(header))
	if _, err := g.file.WriteAt(header, 0); err != nil {
		return err
	}
	if err := g.file.Sync(); err != nil {
		return err
	}
	if err := g.journal.cfg.Dir.Rename(temporaryName(g.number), segmentName(g.number)); err != nil {
		return err
	}
	return g.journal.cfg.Dir.Sync()
}

// readHeader checks that a published segment is of this journal's format and whole.
func (g *Segment) readHeader() error {
	header := make([]byte, headerSize)
	n, err := g.file.ReadAt(header, 0)
	if unlessEnd(err) != nil {
		return err
	}
	begin := g.journal.cfg.begin()
	if n >= len(begin) && !bytes.HasPrefix(header, begin) {
		return g.corrupt(0, fmt.Sprintf("it is of another format, or damaged: it begins with %q and not with %q", header[:len(begin)], begin))
	}
	if fields := header[len(begin):]; n < headerSize || binary.BigEndian.Uint64(fields) != g.number ||
		crc32.ChecksumIEEE(header[:headerSize-4]) != binary.BigEndian.Uint32(header[headerSize-4:]) {
		return g.corrupt(0, "its header is cut off or damaged")
	}
	g.identity, g.head = header[:identitySize:identitySize], int64(binary.BigEndian.Uint64(header[identitySize:]))
	return nil
}

// Scan calls each for every record behind frame 0, in order. Of the active segment the
// first Scan also finds the end: what was not durable is cut off, the rest is synced.
// What is appended meanwhile is not seen.
func (g *Segment) Scan(each func(at Address, record []byte) error) error {
	if size := g.Size(); size > 0 {
		return g.scan(size, each)
	}
	return g.recover(each)
}

// ScanHead is Scan of what Rotate wrote.
func (g *Segment) ScanHead(each func(at Address, record []byte) error) error {
	return g.scan(g.head, each)
}

func (g *Segment) scan(size int64, each func(at Address, record []byte) error) error {
	_, offset, _, err := g.walk(size, each)
	if err == nil && offset < size {
		return g.corrupt(offset, "a frame does not open")
	}
	return err
}

// walk calls each for the records of the frames up to end and says where the first one
// begins that is not whole, or a mark, where the last whole one begins, and how many
// whole ones there are.
func (g *Segment) walk(end int64, each func(at Address, record []byte) error) (last, offset int64, frames uint32, err error) {
	for offset = int64(headerSize); offset < end; frames++ {
		f, err := g.read(offset, end, frames)
		if err != nil || f == nil || f.ordinal != frames || (len(f.payload) == 0 && frames > 0) {
			return last, offset, frames, err
		}
		if err := g.records(f, each); err != nil {
			return last, offset, frames, err
		}
		last, offset = f.offset, f.next
	}
	return last, offset, frames, nil
}

// recover is the first Scan of the active segment.
func (g *Segment) recover(each func(at Address, record []byte) error) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	last, offset, frames, err := g.walk(info.Size(), each)
	if err != nil {
		return err
	}
	damaged, err := g.damaged(offset+1, info.Size(), frames+1)
	if err != nil {
		return err
	}
	if damaged || offset < g.head {
		return g.corrupt(offset, "a frame that was durable does not open")
	}
	if offset < info.Size() {
		if err := g.file.Truncate(offset); err != nil {
			return err
		}
	}
	if err := g.rewrite(max(last, g.head), offset); err != nil {
		return err
	}
	if err := g.file.Sync(); err != nil {
		return err
	}
	g.size.Store(offset)
	g.frames = frames
	return g.mark()
}

// rewrite writes again what lies in a range. A system whose sync failed may go on to
// show what it never wrote, and may call the next sync a success: of the last frame
// only a sync after a write of its own says that it is durable.
func (g *Segment) rewrite(from, to int64) error {
	if from == to {
		return nil
	}
	content := make([]byte, to-from)
	if _, err := g.file.ReadAt(content, from); err != nil {
		return err
	}
	_, err := g.file.WriteAt(content, from)
	return err
}
