package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"indelible/ingest/journal"
	"indelible/ingest/journal/journaltest"
)

// What a journal's files look like; see package journal.
const (
	segmentHeader = 60
	frameHeader   = 16
	boxOverhead   = 28 // of a sealed frame
	tagSize       = 8
	keySize       = 32
	markSize      = frameHeader + boxOverhead
)

func segmentName(number uint64) string   { return fmt.Sprintf("%016d.seg", number) }
func keyName(number uint64) string       { return fmt.Sprintf("%016d.key", number) }
func temporaryName(number uint64) string { return fmt.Sprintf("%016d.tmp", number) }

func numbered(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil && len(digits) == 16
}

// frameCount counts the frames of a sealed segment but for the mark.
func frameCount(t testing.TB, segment []byte) (count int) {
	t.Helper()
	for at := segmentHeader; at < len(segment); {
		if !bytes.Equal(segment[at:at+tagSize], segment[40:40+tagSize]) {
			t.Fatal("no frame where one should begin")
		}
		length := int(binary.BigEndian.Uint32(segment[at+tagSize+4:]))
		if at += frameHeader + length; length > boxOverhead {
			count++
		}
	}
	return count
}

// readJournal opens the segments in a directory and calls each for their records.
func readJournal(dir, format string, each func(record []byte)) error {
	d, err := journal.OpenDir(dir)
	if err != nil {
		return err
	}
	j, err := journal.Open(journal.Config{Dir: d, Format: format, Corrupt: ErrSpoolCorrupt, Rand: spoolConfig("").Rand})
	if err != nil {
		return err
	}
	for _, g := range j.Segments() {
		err = g.Scan(func(_ journal.Address, record []byte) error { each(record); return nil })
	}
	if closeErr := j.Close(); err == nil {
		err = closeErr
	}
	return err
}

// onDisk is the configuration of a spool on a disk that loses power.
func onDisk(disk *journaltest.Disk) SpoolConfig {
	cfg := spoolConfig("/spool")
	cfg.openDir = func(path string) (journal.Dir, error) { return disk.Dir(path), nil }
	return cfg
}
