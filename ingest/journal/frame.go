package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	frameHeader = tagSize + 4 + 4
	boxOverhead = 28 // nonce 12, tag 16

	// MaxFrame bounds the records of one Append with their lengths, in bytes.
	MaxFrame = 16 << 20
	// RecordOverhead bounds what a record adds to its content in a frame, in bytes.
	RecordOverhead = binary.MaxVarintLen32
)

// place is what the box of a frame is bound to.
func (g *Segment) place(ordinal uint32) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(g.identity), ordinal)
}

// encode makes a frame of a payload.
func (g *Segment) encode(payload []byte, ordinal uint32) []byte {
	length := len(payload) + boxOverhead
	frame := make([]byte, 0, frameHeader+length)
	frame = append(frame, g.tag()...)
	frame = binary.BigEndian.AppendUint32(frame, ordinal)
	frame = binary.BigEndian.AppendUint32(frame, uint32(length))
	return g.box.Seal(frame, nil, payload, g.place(ordinal))
}

// write puts a frame behind the last one. After an error the file's tail is unknown
// and the segment must not be written again.
func (g *Segment) write(payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("ingest: a frame of %d bytes cannot be read again; the bound is %d", len(payload), MaxFrame)
	}
	frame := g.encode(payload, g.frames)
	if _, err := g.file.WriteAt(frame, g.Size()); err != nil {
		return err
	}
	g.size.Add(int64(len(frame)))
	g.frames++
	return nil
}

// mark writes an empty frame that does not count: while it is there, the last frame
// cannot be taken for a torn one.
func (g *Segment) mark() error {
	_, err := g.file.WriteAt(g.encode(nil, g.frames), g.Size())
	return err
}

// frame is one frame of a segment.
type frame struct {
	offset  int64
	next    int64 // where the one behind it begins
	ordinal uint32
	payload []byte
}

// read opens the frame at an offset if it is whole, ends at or before end and its
// ordinal is at least least; else it returns nil. It takes memory for this one frame: a
// segment into which records were carried over may be large.
func (g *Segment) read(offset, end int64, least uint32) (*frame, error) {
	var head [frameHeader]byte
	if end-offset < frameHeader {
		return nil, nil
	}
	if _, err := g.file.ReadAt(head[:], offset); err != nil {
		return nil, unlessEnd(err)
	}
	ordinal := binary.BigEndian.Uint32(head[tagSize:])
	length := int64(binary.BigEndian.Uint32(head[tagSize+4:]))
	if !bytes.Equal(head[:tagSize], g.tag()) || ordinal < least ||
		length > MaxFrame+boxOverhead || length > end-offset-frameHeader {
		return nil, nil
	}
	box := make([]byte, length)
	if _, err := g.file.ReadAt(box, offset+frameHeader); err != nil {
		return nil, unlessEnd(err)
	}
	payload, err := g.box.Open(nil, nil, box, g.place(ordinal))
	if err != nil {
		return nil, nil
	}
	return &frame{offset, offset + frameHeader + length, ordinal, payload}, nil
}

// unlessEnd is nil for an end of the file: a frame that is cut off is not whole.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// damaged says whether a whole frame follows a place that does not open. Each frame
// is written after the one before it was synced: then the place was durable once.
func (g *Segment) damaged(from, end int64, least uint32) (bool, error) {
	window := make([]byte, 1<<20)
	for from+frameHeader <= end {
		n := min(int64(len(window)), end-from)
		if _, err := g.file.ReadAt(window[:n], from); err != nil {
			return false, err
		}
		next := bytes.Index(window[:n], g.tag())
		if next < 0 {
			from += n - (tagSize - 1) // the tag may begin at the window's end
			continue
		}
		from += int64(next)
		later, err := g.read(from, end, least)
		if later != nil || err != nil {
			return later != nil, err
		}
		from++
	}
	return false, nil
}

// records calls each for every record of a frame; frame 0 has none.
func (g *Segment) records(f *frame, each func(at Address, record []byte) error) error {
	if f.ordinal == 0 {
		return nil
	}
	for rest := f.payload; len(rest) > 0; {
		record, after, ok := cutRecord(rest)
		if !ok {
			return g.corrupt(f.offset, "a frame holds a malformed record")
		}
		if err := each(addressOf(f.offset, len(f.payload)-len(rest)), record); err != nil {
			return err
		}
		rest = after
	}
	return nil
}

func appendRecord(payload, record []byte) []byte {
	return append(binary.AppendUvarint(payload, uint64(len(record))), record...)
}

func cutRecord(payload []byte) (record, rest []byte, ok bool) {
	size, n := binary.Uvarint(payload)
	if n <= 0 || size > uint64(len(payload)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return payload[n:end:end], payload[end:], true
}

// Address is where a record lies in its segment: offset of its frame in the upper 40
// bits, offset in the payload in the lower 24. No record has address 0.
type Address uint64

func addressOf(offset int64, within int) Address { return Address(offset)<<24 | Address(within) }

func (a Address) split() (offset int64, within int) { return int64(a >> 24), int(a & (1<<24 - 1)) }
