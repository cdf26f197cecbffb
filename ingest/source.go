package ingest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"indelible/ingest/fhir"
)

// Position is how far a source has been read. The zero value is the beginning.
type Position struct {
	Records uint64   `json:"records"` // records read
	Line    uint64   `json:"line"`    // number of the last one for people, from 1
	Offset  uint64   `json:"offset"`  // where the next one begins, in the source's own measure
	Start   uint64   `json:"start"`   // where the last one began
	Last    [32]byte `json:"last"`    // SHA-256 of the last one: see ErrSourceChanged
}

// Source hands out FHIR Observations, one record at a time, in an order that is
// the same each time it is read. It is for one goroutine.
type Source interface {
	// Total is how many records there are.
	Total() (uint64, error)
	// Seek continues behind a position that Next returned, perhaps in another
	// process. ErrSourceChanged says that something else lies there now.
	Seek(Position) error
	// Next returns the next record and the position behind it, io.EOF at the end.
	// The record is valid until the following call. A *LineError is of this record
	// alone: the position is valid and the caller may go on.
	Next() ([]byte, Position, error)
}

// ErrSourceChanged says that the input before the journaled position is not what
// was read. Appending to it is allowed, changing it is not: use a new spool for a
// new input.
var ErrSourceChanged = errors.New("ingest: the input changed before the place reached")

// LineError is a record that cannot be taken. It names the record and the reason,
// never its content.
type LineError struct {
	Line   uint64 // from 1
	Reason error
}

// Error names line and reason.
func (e *LineError) Error() string { return fmt.Sprintf("ingest: line %d: %v", e.Line, e.Reason) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Reason }

// ErrLineTooLong says that a line is longer than fhir.MaxResource.
var ErrLineTooLong = errors.New("the line is too long")

// NDJSON reads a file of Observations, one a line. The record is the line without
// its line feed; a carriage return before it belongs to the record, where JSON
// allows it. Empty lines are passed over.
type NDJSON struct {
	file     *os.File
	buffered *bufio.Reader
	at       Position
	line     []byte
}

// OpenNDJSON opens a file.
func OpenNDJSON(path string) (*NDJSON, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ingest: open the input: %w", err)
	}
	return &NDJSON{file: file}, nil
}

// EmptyInput is the name of an input without a line.
var EmptyInput = strings.Repeat("0", 2*sha256.Size)

// OpenInput opens a file and names it by the digest of its first line: a file that
// was moved or grew is still the same.
func OpenInput(path string) (source *NDJSON, name string, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, "", err
	}
	if source, err = OpenNDJSON(path); err != nil {
		return nil, "", err
	}
	_, at, err := source.Next()
	var bad *LineError
	if errors.Is(err, io.EOF) || errors.As(err, &bad) {
		err = nil
	}
	if err == nil {
		err = source.Seek(Position{})
	}
	if err != nil {
		return nil, "", errors.Join(err, source.Close())
	}
	return source, hex.EncodeToString(at.Last[:]), nil
}

var errNoFile = errors.New("it is not a file")

// Close closes the file.
func (n *NDJSON) Close() error { return n.file.Close() }

// Total counts the lines that are not empty.
func (n *NDJSON) Total() (uint64, error) {
	counter := &NDJSON{file: n.file}
	if err := counter.Seek(Position{}); err != nil {
		return 0, err
	}
	var total uint64
	for {
		_, err := counter.readLine()
		if err != nil && !errors.Is(err, ErrLineTooLong) {
			if errors.Is(err, io.EOF) {
				return total, n.Seek(n.at)
			}
			return 0, err
		}
		total++
	}
}

// Seek continues at a position.
func (n *NDJSON) Seek(to Position) error {
	info, err := n.file.Stat()
	if err != nil {
		return fmt.Errorf("ingest: read the input: %w", err)
	}
	if uint64(info.Size()) < to.Offset || to.Start > to.Offset {
		return ErrSourceChanged
	}
	if to.Offset > 0 {
		n.reset(to.Start)
		if _, err := n.readLine(); errors.Is(err, io.EOF) {
			return ErrSourceChanged
		} else if err != nil && !errors.Is(err, ErrLineTooLong) {
			return err
		}
		// A last line without its line feed may have got one since.
		if n.at.Last != to.Last || n.at.Offset-to.Offset > 1 {
			return ErrSourceChanged
		}
	}
	n.reset(to.Offset)
	n.at = to
	return nil
}

func (n *NDJSON) reset(offset uint64) {
	n.buffered = bufio.NewReaderSize(io.NewSectionReader(n.file, int64(offset), 1<<62-int64(offset)), 64<<10)
	n.at = Position{Offset: offset}
}

// Next returns the next line that is not empty.
func (n *NDJSON) Next() ([]byte, Position, error) {
	if n.buffered == nil {
		n.reset(0)
	}
	line, err := n.readLine()
	if errors.Is(err, ErrLineTooLong) {
		return nil, n.at, &LineError{Line: n.at.Line, Reason: err}
	}
	return line, n.at, err
}

// readLine reads to the next line feed, in bounded memory.
func (n *NDJSON) readLine() ([]byte, error) {
	for {
		start := n.at.Offset
		digest := sha256.New()
		n.line = n.line[:0]
		tooLong, ended := false, false
		for !ended {
			piece, err := n.buffered.ReadSlice('\n')
			n.at.Offset += uint64(len(piece))
			switch {
			case err == nil:
				piece, ended = piece[:len(piece)-1], true
			case errors.Is(err, io.EOF):
				if n.at.Offset == start {
					return nil, io.EOF
				}
				ended = true
			case !errors.Is(err, bufio.ErrBufferFull):
				return nil, fmt.Errorf("ingest: read the input: %w", err)
			}
			digest.Write(piece)
			if tooLong = tooLong || len(n.line)+len(piece) > fhir.MaxResource; !tooLong {
				n.line = append(n.line, piece...)
			}
		}
		n.at.Line++
		if len(n.line) == 0 && !tooLong {
			continue
		}
		n.at.Records++
		n.at.Start = start
		digest.Sum(n.at.Last[:0])
		if tooLong {
			return nil, ErrLineTooLong
		}
		return n.line, nil
	}
}
