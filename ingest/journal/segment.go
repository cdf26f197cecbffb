package journal

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync/atomic"
)

// Segment is one file of a journal.
type Segment struct {
	journal  *Journal
	number   uint64
	file     File
	box      cipher.AEAD
	identity []byte
	head     uint32        // frames it was published with
	headSize int64         // bytes of those
	frames   atomic.Uint32 // that count; 0 in the active segment until it is scanned
	size     int64         // bytes that count
}

// Number is higher than that of every segment that was there before.
func (g *Segment) Number() uint64 { return g.number }

// Size is the segment's size in bytes.
func (g *Segment) Size() int64 { return g.size }

// HeadSize is how many bytes of the active segment Rotate wrote.
func (g *Segment) HeadSize() int64 { return g.headSize }

// Next is the address of the first record that is appended next.
func (g *Segment) Next() Address { return addressOf(g.size, 0) }

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
	key := drawn[:keySize]
	if err := WriteFile(j.cfg.Dir, keyName(number), key); err != nil {
		return nil, err
	}
	// No segment may have its name before its key has one.
	if err := j.cfg.Dir.Sync(); err != nil {
		return nil, err
	}
	g := &Segment{journal: j, number: number, size: int64(headerSize)}
	g.identity = append(binary.BigEndian.AppendUint64(j.cfg.begin(), number), drawn[keySize:]...)
	if err := g.open(temporaryName(number), true, key); err != nil {
		return nil, err
	}
	if err := g.file.Truncate(0); err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	return g, nil
}

// open opens the segment's file, which its key seals.
func (g *Segment) open(name string, create bool, key []byte) (err error) {
	if g.box, err = newBox(key); err != nil {
		return err
	}
	g.file, err = g.journal.cfg.Dir.Open(name, create)
	return err
}

// publish makes everything written so far durable, under the segment's own name.
func (g *Segment) publish() error {
	g.head, g.headSize = g.frames.Load(), g.size
	header := binary.BigEndian.AppendUint32(bytes.Clone(g.identity), g.head)
	header = binary.BigEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
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

// write puts a frame behind the last one. After an error the file's tail is unknown
// and the segment must not be written again.
func (g *Segment) write(payload []byte) error {
	frame := g.encode(payload, g.frames.Load())
	if _, err := g.file.WriteAt(frame, g.size); err != nil {
		return err
	}
	g.size += int64(len(frame))
	g.frames.Add(1)
	return nil
}

// mark writes an empty frame that does not count: while it is there, the last frame
// cannot be taken for a torn one.
func (g *Segment) mark() error {
	_, err := g.file.WriteAt(g.encode(nil, g.frames.Load()), g.size)
	return err
}

// readHeader checks that a published segment is of this journal's format and whole.
func (g *Segment) readHeader() error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	header := make([]byte, min(info.Size(), int64(headerSize)))
	if _, err := g.file.ReadAt(header, 0); err != nil && len(header) > 0 {
		return err
	}
	begin := g.journal.cfg.begin()
	if len(header) >= len(begin) && !bytes.HasPrefix(header, begin) {
		return g.corrupt(0, fmt.Sprintf("it is of another format, or damaged: it begins with %q and not with %q", header[:len(begin)], begin))
	}
	if len(header) < headerSize || crc32.Checksum(header[:headerSize-4], castagnoli) != binary.BigEndian.Uint32(header[headerSize-4:]) ||
		binary.BigEndian.Uint64(header[len(begin):]) != g.number {
		return g.corrupt(0, "its header is cut off or damaged")
	}
	g.identity, g.head, g.size = header[:identitySize:identitySize], binary.BigEndian.Uint32(header[identitySize:]), info.Size()
	return nil
}

// Scan calls each for every record behind frame 0, in order. Of the active segment the
// first Scan also finds the end: what was not durable is cut off, the rest is synced.
// What is appended meanwhile is not seen.
func (g *Segment) Scan(each func(at Address, record []byte) error) error {
	if frames := g.frames.Load(); frames > 0 {
		return g.scan(frames, each)
	}
	return g.recover(each)
}

// ScanHead is Scan of what Rotate wrote.
func (g *Segment) ScanHead(each func(at Address, record []byte) error) error {
	return g.scan(g.head, each)
}

func (g *Segment) scan(frames uint32, each func(at Address, record []byte) error) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	offset := int64(headerSize)
	for ordinal := range frames {
		f, err := g.read(offset, info.Size(), ordinal)
		if err != nil {
			return err
		}
		if f == nil || f.ordinal != ordinal {
			return g.corrupt(offset, "a frame does not open")
		}
		if err := g.records(f, each); err != nil {
			return err
		}
		offset = f.next
	}
	return nil
}

// recover is the first Scan of the active segment.
func (g *Segment) recover(each func(at Address, record []byte) error) error {
	offset, frames := int64(headerSize), uint32(0)
	for {
		f, err := g.read(offset, g.size, frames)
		if err != nil {
			return err
		}
		if f == nil || f.ordinal != frames || (len(f.payload) == 0 && frames > 0) {
			break
		}
		if err := g.records(f, each); err != nil {
			return err
		}
		offset = f.next
		if frames++; frames == g.head {
			g.headSize = offset
		}
	}
	damaged, err := g.damaged(offset+1, g.size, frames+1)
	if err != nil {
		return err
	}
	if damaged || frames < g.head {
		return g.corrupt(offset, "a frame that was durable does not open")
	}
	if offset < g.size {
		if err := g.file.Truncate(offset); err != nil {
			return err
		}
	}
	if err := g.file.Sync(); err != nil {
		return err
	}
	g.size = offset
	g.frames.Store(frames)
	return g.mark()
}
