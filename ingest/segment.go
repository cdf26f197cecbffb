package ingest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A segment is one file of sealed frames under a key of its own, which lies in a
// second file. Destroying the key destroys the segment, also the copies of it
// that a file system or a drive may have kept.
//
//	segment = magic (16) ‖ number (8) ‖ tag (8, random) ‖ frame…
//	frame   = tag (8) ‖ ordinal (4) ‖ length of the box (4) ‖ box
//	box     = AES-256-GCM, nonce drawn inside; associated data = magic ‖ number ‖ tag ‖ ordinal
//
// A frame is written with one write and synced before the next one begins, so at
// most the last frame can be torn. Integers are big-endian.
type segment struct {
	dir    *os.Root
	number uint64
	file   *os.File
	box    cipher.AEAD
	tag    [tagSize]byte
	size   int64  // bytes of the file that are known good
	frames uint32 // frames in them
}

const (
	segmentMagic  = "indelible spool1"
	tagSize       = 8
	segmentHeader = len(segmentMagic) + 8 + tagSize
	frameHeader   = tagSize + 4 + 4
	keySize       = 32
	boxOverhead   = 28 // nonce 12, tag 16

	// maxFrame bounds the plaintext of one frame in bytes. The largest reading is
	// two openings of 512 KiB and a statement of 16 KiB; a frame holds several.
	maxFrame = 16 << 20
)

// ErrSpoolCorrupt says that bytes which were durable are not what was written.
// The spool does not open: nothing is known about the readings in it. Keep the
// directory, restore the device's disk, and look for the gap in the log.
var ErrSpoolCorrupt = errors.New("ingest: the spool is corrupt")

func corrupt(number uint64, offset int64, what string) error {
	return fmt.Errorf("%w: segment %d at byte %d: %s", ErrSpoolCorrupt, number, offset, what)
}

// frameAt is where a frame lies in its segment.
type frameAt struct {
	offset  int64
	length  uint32 // of the box
	ordinal uint32
}

func segmentName(number uint64) string   { return fmt.Sprintf("%016d.seg", number) }
func keyName(number uint64) string       { return fmt.Sprintf("%016d.key", number) }
func temporaryName(number uint64) string { return fmt.Sprintf("%016d.tmp", number) }

// createSegment makes a segment under a temporary name. It counts from publish on.
func createSegment(dir *os.Root, number uint64, rand io.Reader) (*segment, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, fmt.Errorf("ingest: draw a segment key: %w", err)
	}
	if err := writeSynced(dir, keyName(number), key); err != nil {
		return nil, err
	}
	if err := syncDir(dir); err != nil { // no segment may have its name before its key has one
		return nil, err
	}
	box, err := newBox(key)
	if err != nil {
		return nil, err
	}
	g := &segment{dir: dir, number: number, box: box}
	if _, err := io.ReadFull(rand, g.tag[:]); err != nil {
		return nil, fmt.Errorf("ingest: draw a segment tag: %w", err)
	}
	g.file, err = dir.OpenFile(temporaryName(number), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ingest: create a segment: %w", err)
	}
	header := binary.BigEndian.AppendUint64([]byte(segmentMagic), number)
	header = append(header, g.tag[:]...)
	if _, err := g.file.WriteAt(header, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("ingest: write a segment: %w", err), g.file.Close())
	}
	g.size = int64(len(header))
	return g, nil
}

// publish makes everything written so far durable under the segment's own name.
func (g *segment) publish() error {
	if err := g.sync(); err != nil {
		return err
	}
	if err := g.dir.Rename(temporaryName(g.number), segmentName(g.number)); err != nil {
		return fmt.Errorf("ingest: publish a segment: %w", err)
	}
	return syncDir(g.dir)
}

func newBox(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("ingest: segment key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// openSegment opens a published segment. Its size is unknown until scan.
func openSegment(dir *os.Root, number uint64) (*segment, error) {
	key, err := dir.ReadFile(keyName(number))
	if err != nil || len(key) != keySize {
		return nil, corrupt(number, 0, "its key is missing")
	}
	box, err := newBox(key)
	if err != nil {
		return nil, err
	}
	file, err := dir.OpenFile(segmentName(number), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("ingest: open a segment: %w", err)
	}
	g := &segment{dir: dir, number: number, file: file, box: box}
	header := make([]byte, segmentHeader)
	if _, err := file.ReadAt(header, 0); err != nil {
		return nil, errors.Join(corrupt(number, 0, "its header is cut off"), file.Close())
	}
	at := len(segmentMagic)
	if string(header[:at]) != segmentMagic || binary.BigEndian.Uint64(header[at:]) != number {
		return nil, errors.Join(corrupt(number, 0, "its header is wrong"), file.Close())
	}
	copy(g.tag[:], header[at+8:])
	g.size = int64(segmentHeader)
	return g, nil
}

func (g *segment) associated(ordinal uint32) []byte {
	ad := make([]byte, 0, segmentHeader+4)
	ad = append(ad, segmentMagic...)
	ad = binary.BigEndian.AppendUint64(ad, g.number)
	ad = append(ad, g.tag[:]...)
	return binary.BigEndian.AppendUint32(ad, ordinal)
}

// write appends a frame; it is durable after sync. After an error the file's tail
// is unknown and the segment must not be written again.
func (g *segment) write(payload []byte) (frameAt, error) {
	if len(payload) > maxFrame {
		panic("ingest: a frame is larger than its bound")
	}
	at := frameAt{offset: g.size, length: uint32(len(payload) + boxOverhead), ordinal: g.frames}
	frame := make([]byte, 0, frameHeader+int(at.length))
	frame = append(frame, g.tag[:]...)
	frame = binary.BigEndian.AppendUint32(frame, at.ordinal)
	frame = binary.BigEndian.AppendUint32(frame, at.length)
	frame = g.box.Seal(frame, nil, payload, g.associated(at.ordinal))
	if _, err := g.file.WriteAt(frame, g.size); err != nil {
		return frameAt{}, fmt.Errorf("ingest: write a segment: %w", err)
	}
	g.size += int64(len(frame))
	g.frames++
	return at, nil
}

func (g *segment) sync() error {
	if err := g.file.Sync(); err != nil {
		return fmt.Errorf("ingest: sync a segment: %w", err)
	}
	return nil
}

// read opens one frame that was written or scanned before.
func (g *segment) read(at frameAt) ([]byte, error) {
	box := make([]byte, at.length)
	if _, err := g.file.ReadAt(box, at.offset+frameHeader); err != nil {
		return nil, fmt.Errorf("ingest: read a segment: %w", err)
	}
	payload, err := g.box.Open(nil, nil, box, g.associated(at.ordinal))
	if err != nil {
		return nil, corrupt(g.number, at.offset, "a frame does not open")
	}
	return payload, nil
}

// scan calls each for every frame. In the newest segment (last) the frame at the
// end may be torn, because nobody was told that it is durable: it is cut off.
// Anything else that does not open is corruption.
func (g *segment) scan(last bool, each func(frameAt, []byte) error) error {
	info, err := g.file.Stat()
	if err != nil {
		return fmt.Errorf("ingest: read a segment: %w", err)
	}
	end := info.Size()
	for g.size = int64(segmentHeader); g.size < end; {
		payload, at, whole, err := g.frame(g.size, end, g.frames)
		if err != nil {
			return err
		}
		if !whole || at.ordinal != g.frames {
			break
		}
		if err := each(at, payload); err != nil {
			return err
		}
		g.size += frameHeader + int64(at.length)
		g.frames++
	}
	if g.size == end {
		return nil
	}
	later, err := g.laterFrame(g.size+1, end)
	if err != nil {
		return err
	}
	if !last || later {
		return corrupt(g.number, g.size, "a frame does not open")
	}
	if err := g.file.Truncate(g.size); err != nil {
		return fmt.Errorf("ingest: cut off a torn frame: %w", err)
	}
	return g.sync()
}

// frame opens the frame at a position if it is whole and its ordinal at least least;
// else whole is false. It takes memory for this one frame: a segment into which
// readings were carried over may be as large as the spool.
func (g *segment) frame(offset, end int64, least uint32) (payload []byte, at frameAt, whole bool, err error) {
	var head [frameHeader]byte
	if end-offset < frameHeader {
		return nil, frameAt{}, false, nil
	}
	if _, err := g.file.ReadAt(head[:], offset); err != nil {
		return nil, frameAt{}, false, fmt.Errorf("ingest: read a segment: %w", err)
	}
	at = frameAt{
		offset:  offset,
		ordinal: binary.BigEndian.Uint32(head[tagSize:]),
		length:  binary.BigEndian.Uint32(head[tagSize+4:]),
	}
	if !bytes.Equal(head[:tagSize], g.tag[:]) || at.ordinal < least ||
		at.length > maxFrame+boxOverhead || int64(at.length) > end-offset-frameHeader {
		return nil, at, false, nil
	}
	payload, err = g.read(at)
	if errors.Is(err, ErrSpoolCorrupt) {
		return nil, at, false, nil
	}
	return payload, at, err == nil, err
}

// laterFrame says whether a whole frame follows a place that does not open: then
// the place was durable once and is damaged, not torn.
func (g *segment) laterFrame(from, end int64) (bool, error) {
	window := make([]byte, 1<<20)
	for from+frameHeader <= end {
		n := min(int64(len(window)), end-from)
		if _, err := g.file.ReadAt(window[:n], from); err != nil {
			return false, fmt.Errorf("ingest: read a segment: %w", err)
		}
		next := bytes.Index(window[:n], g.tag[:])
		if next < 0 {
			from += n - (tagSize - 1) // the tag may begin at the window's end
			continue
		}
		from += int64(next)
		_, _, whole, err := g.frame(from, end, g.frames+1)
		if whole || err != nil {
			return whole, err
		}
		from++
	}
	return false, nil
}

func (g *segment) close() error { return g.file.Close() }

// destroy overwrites and removes the key, then nothing can open the segment. A
// key of zeros marks a destruction that a crash interrupted; see clean.
func (g *segment) destroy() error {
	if err := g.file.Close(); err != nil {
		return fmt.Errorf("ingest: close a segment: %w", err)
	}
	return destroyFiles(g.dir, g.number)
}

func destroyFiles(dir *os.Root, number uint64) error {
	if err := writeSynced(dir, keyName(number), make([]byte, keySize)); err != nil {
		return err
	}
	for _, name := range []string{segmentName(number), temporaryName(number), keyName(number)} {
		if err := dir.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("ingest: destroy a segment: %w", err)
		}
	}
	return syncDir(dir)
}
