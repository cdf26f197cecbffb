package ingest

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Receipts is an append-only store of statements and their receipts: a journal. It
// holds nothing that the ledger does not hold. Checkpoints are stored once for all
// receipts of a segment that share them. A segment begins with the index of the one
// before it and the largest checkpoint so far, so that opening reads the newest segment
// only. Safe for concurrent use, by one process at a time.
type Receipts struct {
	dir     journal.Dir
	history *client.History // of the clients that keep their receipts here

	mu      sync.Mutex // guards everything below
	journal *journal.Journal
	full    int64  // size at which a segment is closed, in bytes
	index   []byte // of the active segment

	note       []byte // newest checkpoint stored
	checkpoint proof.Checkpoint
	lastNote   []byte // checkpoint stored last in the active segment, most receipts share it
	lastNoteAt journal.Address
}

const (
	// receiptSegment is the size at which a segment is closed, in bytes: opening reads
	// so much. Its index fits a record.
	receiptSegment = 16 << 20
	// receiptFrame is about how much of one Add goes into one frame, in bytes.
	receiptFrame = 8 << 20

	indexRow    = 24
	indexPrefix = 16
)

// ErrReceiptsCorrupt says that stored receipts are not what was written, or that the
// directory is of another format. Move the directory away: every receipt can be had
// again from the log by statement id.
var ErrReceiptsCorrupt = errors.New("ingest: the receipt store is corrupt")

// OpenReceipts opens or creates the store in a directory of its own.
func OpenReceipts(path string) (*Receipts, error) {
	dir, err := journal.OpenDir(path)
	if err != nil {
		return nil, err
	}
	return openReceiptsIn(dir)
}

func openReceiptsIn(dir journal.Dir) (*Receipts, error) {
	j, err := journal.Open(journal.Config{Dir: dir, Format: "receipts", Corrupt: ErrReceiptsCorrupt, Rand: rand.Reader, Exclusive: true})
	if err != nil {
		return nil, err
	}
	r := &Receipts{dir: dir, journal: j, full: receiptSegment}
	if err := r.load(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// load reads the newest segment.
func (r *Receipts) load() (err error) {
	segments := r.journal.Segments()
	for i, g := range segments {
		if g.Number() != uint64(i+1) { // none is ever destroyed
			return receiptFault(fmt.Errorf("segment %d is missing", i+1))
		}
	}
	if len(segments) == 0 {
		err = r.rotate()
	} else {
		err = r.journal.Active().Scan(r.replay)
	}
	if err == nil {
		r.history, err = client.NewHistory(r.note, r.keepEvidence)
	}
	return err
}

// replay applies one record of the newest segment.
func (r *Receipts) replay(at journal.Address, record []byte) error {
	switch kind := (&recordReader{rest: record}).kind(); kind {
	case recordCheckpoint:
		note := record[1:]
		checkpoint, err := parseCheckpoint(note)
		if err != nil {
			return receiptFault(err)
		}
		r.remember(note, at, checkpoint)
	case recordReceipt:
		p, _, err := parseReceipt(record)
		if err != nil {
			return err
		}
		r.addRow(p.Statement.ID(), at)
	}
	return nil
}

// Close releases the files. Everything added is durable already.
func (r *Receipts) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.journal.Close()
}

func (r *Receipts) remember(note []byte, at journal.Address, checkpoint proof.Checkpoint) {
	r.lastNote, r.lastNoteAt = note, at
	if r.note == nil || checkpoint.Size > r.checkpoint.Size {
		r.note, r.checkpoint = note, checkpoint
	}
}

func (r *Receipts) addRow(id entry.StatementID, at journal.Address) {
	r.index = binary.BigEndian.AppendUint64(append(r.index, id[:indexPrefix]...), uint64(at))
}

// rotate begins a segment.
func (r *Receipts) rotate() error {
	var noteAt journal.Address
	err := r.journal.Rotate(func(add func([]byte) (journal.Address, error)) error {
		_, err := add(append([]byte{byte(recordIndex)}, r.index...))
		if err == nil && r.note != nil {
			noteAt, err = add(append([]byte{byte(recordCheckpoint)}, r.note...))
		}
		return err
	})
	if err == nil {
		r.index, r.lastNote, r.lastNoteAt = nil, r.note, noteAt
	}
	return err
}

// Attach makes the clients of a configuration keep here what they prove, and go on
// from the newest checkpoint here. Clients that share a store share its history.
func (r *Receipts) Attach(cfg client.Config) client.Config {
	cfg.History, cfg.Keep = r.history, r.keep
	return cfg
}

// keep stores receipts, those of duplicates only if they are missing.
func (r *Receipts) keep(outcomes []client.Outcome) error {
	var fresh, again []*client.Proven
	for _, o := range outcomes {
		if o.Duplicate {
			again = append(again, o.Proven)
		} else {
			fresh = append(fresh, o.Proven)
		}
	}
	missing, err := r.missing(again)
	if err != nil {
		return err
	}
	return r.Add(append(fresh, missing...)...)
}

// keepEvidence writes two signed notes of one size into one file,
// split-view-<size>.txt, durably and as a whole. Evidence kept before is not
// overwritten.
func (r *Receipts) keepEvidence(size uint64, a, b []byte) error {
	name := fmt.Sprintf("split-view-%d.txt", size)
	names, err := r.dir.List()
	if err != nil || slices.Contains(names, name) {
		return err
	}
	content := append(append(append([]byte(nil), a...), '\n'), b...)
	draft := name + ".draft" // has its name when it is whole
	if slices.Contains(names, draft) {
		err = r.dir.Remove(draft)
	}
	if err == nil {
		err = journal.WriteFile(r.dir, draft, content)
	}
	if err == nil {
		err = r.dir.Rename(draft, name)
	}
	if err == nil {
		err = r.dir.Sync()
	}
	return err
}

// Add stores what was verified and returns when it is durable.
func (r *Receipts) Add(list ...*client.Proven) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.room(); err != nil {
		return err
	}
	for len(list) > 0 {
		n, err := r.addShared(list)
		if err != nil {
			return fmt.Errorf("ingest: store a receipt: %w", err)
		}
		list = list[n:]
	}
	return nil
}

// addShared stores the first receipts of a list that share a checkpoint, in one
// frame, and says how many. mu is held.
func (r *Receipts) addShared(list []*client.Proven) (n int, err error) {
	if err := r.room(); err != nil { // a long list must not make a segment whose index fits no record
		return 0, err
	}
	note := list[0].Receipt.Checkpoint
	checkpoint, err := parseCheckpoint(note)
	if err != nil {
		return 0, err
	}
	var records [][]byte
	checkpointAt, known := r.lastNoteAt, string(note) == string(r.lastNote)
	if !known {
		checkpointAt = r.journal.Active().Next()
		records = append(records, append([]byte{byte(recordCheckpoint)}, note...))
	}
	for size := 0; n < len(list) && size < receiptFrame && string(list[n].Receipt.Checkpoint) == string(note); n++ {
		records = append(records, receiptRecord(list[n], checkpointAt))
		size += len(records[len(records)-1])
	}
	at, err := r.journal.Append(records...)
	if err != nil {
		return 0, err
	}
	r.remember(note, checkpointAt, checkpoint)
	for i, p := range list[:n] {
		r.addRow(p.Statement.ID(), at[len(at)-n+i])
	}
	return n, nil
}

// room begins a segment if the active one is full. mu is held.
func (r *Receipts) room() error {
	err := r.journal.Failed()
	if err == nil && r.journal.Active().Size() >= r.full {
		err = r.rotate()
	}
	if err != nil {
		return fmt.Errorf("ingest: write the receipt store: %w", err)
	}
	return nil
}

func parseCheckpoint(note []byte) (proof.Checkpoint, error) {
	text, _, err := proof.ParseNote(note)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return proof.ParseCheckpoint(text)
}

// AddRefused stores what the log will never take and returns when it is durable.
func (r *Receipts) AddRefused(list ...*client.Refused) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.room(); err != nil {
		return err
	}
	for some := range slices.Chunk(list, receiptFrame/entry.MaxStatement/2) {
		var records [][]byte
		for _, p := range some {
			records = append(records, refusalRecord(p))
		}
		if _, err := r.journal.Append(records...); err != nil {
			return fmt.Errorf("ingest: store a refusal: %w", err)
		}
	}
	return nil
}
