package ingest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"

	"indelible/api/client"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Receipts is an append-only store of statements and their receipts: two files, a
// log and an index of it. It holds nothing that the ledger does not hold, so it
// is not sealed. Checkpoints are stored once for all receipts that share them.
//
//	receipts.log = magic line ‖ record…
//	record       = length of the body (4) ‖ CRC-32C of kind and body (4) ‖ kind (1) ‖ body
//	checkpoint   = signed note
//	receipt      = offset of its checkpoint (8) ‖ index (8) ‖ ledger time (8) ‖ hashes of the path (1) ‖ path ‖ statement
//	refusal      = time (8) ‖ node (32) ‖ its time (8) ‖ length of its signature (1) ‖ signature ‖ length of the code (1) ‖ code ‖ statement
//	receipts.idx = (first 16 bytes of the statement id ‖ offset of the receipt (8))…
//
// Safe for concurrent use, by one process at a time.
type Receipts struct {
	dir     *os.Root
	history *client.History // of the clients that keep their receipts here

	mu     sync.Mutex // guards everything below
	log    *os.File
	index  *os.File
	lock   *os.File
	size   int64 // of the log
	count  int   // entries of the index
	broken error

	note       []byte // newest checkpoint stored
	checkpoint proof.Checkpoint
	lastNote   []byte // checkpoint stored last, most receipts share it
	lastNoteAt int64
}

const (
	receiptsMagic    = "indelible receipts 1\n"
	receiptsHeader   = 9 // of a record
	indexEntry       = 24
	indexPrefix      = 16
	maxReceiptRecord = proof.MaxNote + entry.MaxStatement

	kindCheckpoint = 1
	kindReceipt    = 2
	kindRefusal    = 3

	// verifyTail is how many entries at the end of the index are compared with the
	// log when opening: more than one batch, all that a crash can leave unsynced.
	verifyTail = 4096
)

// ErrReceiptsCorrupt says that stored receipts are not what was written. Move the
// directory away: every receipt can be had again from the log by statement id.
var ErrReceiptsCorrupt = errors.New("ingest: the receipt store is corrupt")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenReceipts opens or creates the store in a directory of its own.
func OpenReceipts(dir string) (*Receipts, error) {
	root, err := openDir(dir)
	if err != nil {
		return nil, err
	}
	r := &Receipts{dir: root}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Receipts) open() error {
	var err error
	for _, f := range []struct {
		to   **os.File
		name string
	}{{&r.lock, "lock"}, {&r.log, "receipts.log"}, {&r.index, "receipts.idx"}} {
		if *f.to, err = r.dir.OpenFile(f.name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return fmt.Errorf("ingest: open the receipt store: %w", err)
		}
	}
	if err := lockFile(r.lock); err != nil {
		return err
	}
	if err := syncDir(r.dir); err != nil {
		return err
	}
	if err = r.recover(); err != nil {
		return err
	}
	r.history, err = client.NewHistory(r.note, r.keepEvidence)
	return err
}

// Close releases the files. Everything added is durable already.
func (r *Receipts) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var faults []error
	for _, f := range []*os.File{r.log, r.index, r.lock} {
		if f != nil {
			faults = append(faults, f.Close())
		}
	}
	r.log, r.index, r.lock = nil, nil, nil
	r.broken = errors.New("ingest: the receipt store is closed")
	return errors.Join(append(faults, r.dir.Close())...)
}

// Add stores what was verified and returns when it is durable.
func (r *Receipts) Add(list ...*Proven) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	checkpoints := make([]proof.Checkpoint, len(list))
	for i, p := range list { // all of them first: what follows must not stop halfway
		var err error
		if checkpoints[i], err = parseCheckpoint(p.Receipt.Checkpoint); err != nil {
			return fmt.Errorf("ingest: store a receipt: %w", err)
		}
	}
	var log, index []byte
	for i, p := range list {
		checkpointAt := r.lastNoteAt
		if note := p.Receipt.Checkpoint; string(note) != string(r.lastNote) {
			checkpointAt = r.size + int64(len(log))
			log = appendRecord(log, kindCheckpoint, note)
			r.remember(note, checkpointAt, checkpoints[i])
		}
		id := p.Statement.ID()
		index = append(index, id[:indexPrefix]...)
		index = binary.BigEndian.AppendUint64(index, uint64(r.size+int64(len(log))))
		log = appendRecord(log, kindReceipt, encodeReceipt(p, checkpointAt))
	}
	return r.write(log, index)
}

func parseCheckpoint(note []byte) (proof.Checkpoint, error) {
	text, _, err := proof.ParseNote(note)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return proof.ParseCheckpoint(text)
}

// AddRefused stores what the log will never take and returns when it is durable.
func (r *Receipts) AddRefused(list ...*Refused) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var log []byte
	for _, p := range list {
		log = appendRecord(log, kindRefusal, encodeRefused(p))
	}
	return r.write(log, nil)
}

func (r *Receipts) remember(note []byte, at int64, checkpoint proof.Checkpoint) {
	r.lastNote, r.lastNoteAt = note, at
	if r.note == nil || checkpoint.Size > r.checkpoint.Size {
		r.note, r.checkpoint = note, checkpoint
	}
}

// write appends to both files and syncs the log before the index, so that the
// index never names what is not there. mu is held.
func (r *Receipts) write(log, index []byte) error {
	if r.broken != nil {
		return r.broken
	}
	for _, part := range []struct {
		file    *os.File
		content []byte
		at      int64
	}{{r.log, log, r.size}, {r.index, index, int64(r.count) * indexEntry}} {
		if len(part.content) == 0 {
			continue
		}
		_, err := part.file.WriteAt(part.content, part.at)
		if err == nil {
			err = part.file.Sync()
		}
		if err != nil {
			r.broken = fmt.Errorf("ingest: write the receipt store: %w", err)
			return r.broken
		}
	}
	r.size += int64(len(log))
	r.count += len(index) / indexEntry
	return nil
}

// Len is how many receipts are stored.
func (r *Receipts) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Newest is the largest checkpoint among the stored receipts.
func (r *Receipts) Newest() (note []byte, checkpoint proof.Checkpoint, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.note, r.checkpoint, r.note != nil
}

// Find returns the receipt stored last for a statement.
func (r *Receipts) Find(id entry.StatementID) (*Proven, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return nil, false, r.broken
	}
	var found *Proven
	want := map[[indexPrefix]byte]bool{[indexPrefix]byte(id[:]): true}
	for row, err := range r.rows(want) {
		if err != nil {
			return nil, false, err
		}
		p, err := r.receiptAt(row.at)
		if err != nil {
			return nil, false, err
		}
		if p.Statement.ID() == id {
			found = p
		}
	}
	return found, found != nil, nil
}

// missing returns those of the list whose statements have no stored receipt yet.
func (r *Receipts) missing(list []*Proven) ([]*Proven, error) {
	if len(list) == 0 {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	absent := map[[indexPrefix]byte]bool{}
	for _, p := range list {
		id := p.Statement.ID()
		absent[[indexPrefix]byte(id[:])] = true
	}
	for row, err := range r.rows(maps.Clone(absent)) {
		if err != nil {
			return nil, err
		}
		delete(absent, row.prefix)
	}
	return slices.DeleteFunc(slices.Clone(list), func(p *Proven) bool {
		id := p.Statement.ID()
		return !absent[[indexPrefix]byte(id[:])]
	}), nil
}

// indexRow is one entry of the index. Half a statement id is enough: it is a
// SHA-256, of which nobody finds two with the same half.
type indexRow struct {
	prefix [indexPrefix]byte
	at     int64
}

// rows scans the index for wanted statement ids: a million entries are 24 MB, some
// milliseconds, and cost no memory in between. mu is held.
func (r *Receipts) rows(want map[[indexPrefix]byte]bool) iter.Seq2[indexRow, error] {
	return func(yield func(indexRow, error) bool) {
		buffered := bufio.NewReaderSize(io.NewSectionReader(r.index, 0, int64(r.count)*indexEntry), 1<<20)
		var raw [indexEntry]byte
		for range r.count {
			if _, err := io.ReadFull(buffered, raw[:]); err != nil {
				yield(indexRow{}, fmt.Errorf("ingest: read the receipt index: %w", err))
				return
			}
			row := indexRow{prefix: [indexPrefix]byte(raw[:]), at: int64(binary.BigEndian.Uint64(raw[indexPrefix:]))}
			if want[row.prefix] && !yield(row, nil) {
				return
			}
		}
	}
}

// All returns every stored receipt, oldest first. The store must not be closed
// meanwhile; what is added meanwhile is not seen.
func (r *Receipts) All() iter.Seq2[*Proven, error] {
	return func(yield func(*Proven, error) bool) {
		for rec, err := range r.records() {
			if err == nil && rec.kind != kindReceipt {
				continue
			}
			var p *Proven
			if err == nil {
				p, err = r.decodeReceipt(rec.body)
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Refused returns every stored refusal, oldest first.
func (r *Receipts) Refused() iter.Seq2[*Refused, error] {
	return func(yield func(*Refused, error) bool) {
		for rec, err := range r.records() {
			if err == nil && rec.kind != kindRefusal {
				continue
			}
			var p *Refused
			if err == nil {
				p, err = decodeRefused(rec.body)
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}
