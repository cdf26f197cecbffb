package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Find returns the receipt stored last for a statement.
func (r *Receipts) Find(id entry.StatementID) (found *client.Proven, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.rows(func(g *journal.Segment, prefix [indexPrefix]byte, at journal.Address) error {
		if prefix != [indexPrefix]byte(id[:]) {
			return nil
		}
		record, err := g.Read(at)
		if err != nil {
			return err
		}
		p, err := readReceipt(g, record)
		if err == nil && p.Statement.ID() == id {
			found = p
		}
		return err
	})
	return found, found != nil, err
}

// missing returns those of the list whose statements have no stored receipt yet.
func (r *Receipts) missing(list []*client.Proven) ([]*client.Proven, error) {
	if len(list) == 0 {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	stored := map[[indexPrefix]byte]bool{}
	for _, p := range list {
		id := p.Statement.ID()
		stored[[indexPrefix]byte(id[:])] = false
	}
	err := r.rows(func(_ *journal.Segment, prefix [indexPrefix]byte, _ journal.Address) error {
		if _, wanted := stored[prefix]; wanted {
			stored[prefix] = true
		}
		return nil
	})
	return slices.DeleteFunc(slices.Clone(list), func(p *client.Proven) bool {
		id := p.Statement.ID()
		return stored[[indexPrefix]byte(id[:])]
	}), err
}

// rows calls each for every row of the index, oldest first: a million are 24 MB, some
// milliseconds, and cost no memory in between. Half a statement id is enough: two
// SHA-256 digests with the same half cannot be found. mu is held.
func (r *Receipts) rows(each func(g *journal.Segment, prefix [indexPrefix]byte, at journal.Address) error) error {
	if err := r.journal.Failed(); err != nil {
		return err
	}
	segments := r.journal.Segments()
	for i, g := range segments {
		index := r.index
		if i+1 < len(segments) {
			var err error
			if index, err = indexIn(segments[i+1]); err != nil {
				return err
			}
		}
		for ; len(index) > 0; index = index[indexRow:] {
			at := journal.Address(binary.BigEndian.Uint64(index[indexPrefix:]))
			if err := each(g, [indexPrefix]byte(index), at); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexIn reads the index with which a segment begins: that of the one before it.
func indexIn(g *journal.Segment) (index []byte, err error) {
	err = g.ScanHead(func(_ journal.Address, record []byte) error {
		if len(record)%indexRow == 1 && record[0] == byte(recordIndex) {
			index = record[1:]
		}
		return nil
	})
	return index, err
}

// errStop ends a scan of which nothing more is wanted.
var errStop = errors.New("stop")

// All returns every stored receipt, oldest first. The store must not be closed
// meanwhile; what is added meanwhile is seen or not.
func (r *Receipts) All() iter.Seq2[*client.Proven, error] { return all(r, recordReceipt, readReceipt) }

// Refused returns every stored refusal, oldest first, like All.
func (r *Receipts) Refused() iter.Seq2[*client.Refused, error] {
	return all(r, recordRefusal, readRefused)
}

func all[T any](r *Receipts, kind recordKind, read func(*journal.Segment, []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r.mu.Lock()
		segments, err := r.journal.Segments(), r.journal.Failed()
		r.mu.Unlock()
		for i := 0; i < len(segments) && err == nil; i++ {
			err = segments[i].Scan(func(_ journal.Address, record []byte) error {
				if (&recordReader{rest: record}).kind() != kind {
					return nil
				}
				found, err := read(segments[i], record)
				if err == nil && !yield(found, nil) {
					return errStop
				}
				return err
			})
		}
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, err)
		}
	}
}

func receiptRecord(p *client.Proven, checkpointAt journal.Address) []byte {
	record := binary.AppendUvarint([]byte{byte(recordReceipt)}, uint64(checkpointAt))
	record = binary.AppendUvarint(binary.AppendUvarint(record, p.Receipt.Index), p.Receipt.LedgerTime)
	record = binary.AppendUvarint(record, uint64(len(p.Receipt.Path)))
	for _, hash := range p.Receipt.Path {
		record = appendBytes(record, hash[:])
	}
	return appendBytes(record, p.Statement.Bytes())
}

// parseReceipt reads a receipt but for its checkpoint.
func parseReceipt(record []byte) (p *client.Proven, checkpointAt journal.Address, err error) {
	r := readRecord(record, recordReceipt)
	checkpointAt = journal.Address(r.number())
	receipt := &proof.Receipt{Index: r.number(), LedgerTime: r.number()}
	for range min(r.number(), 64) {
		receipt.Path = append(receipt.Path, proof.Hash(r.hash()))
	}
	p = &client.Proven{Statement: r.statement(), Receipt: receipt}
	return p, checkpointAt, receiptFault(r.end())
}

// readReceipt reads a receipt and its checkpoint.
func readReceipt(g *journal.Segment, record []byte) (*client.Proven, error) {
	p, checkpointAt, err := parseReceipt(record)
	if err != nil {
		return nil, err
	}
	checkpoint, err := g.Read(checkpointAt)
	if err != nil {
		return nil, err
	}
	r := readRecord(checkpoint, recordCheckpoint)
	p.Receipt.Checkpoint = r.rest
	return p, receiptFault(r.err)
}

func refusalRecord(p *client.Refused) []byte {
	record := binary.AppendUvarint([]byte{byte(recordRefusal)}, p.At)
	record = binary.AppendUvarint(appendBytes(record, p.Node[:]), p.NodeAt)
	return appendBytes(appendBytes(appendBytes(record, p.Signature), []byte(p.Code)), p.Statement.Bytes())
}

func readRefused(_ *journal.Segment, record []byte) (*client.Refused, error) {
	r := readRecord(record, recordRefusal)
	p := &client.Refused{
		At: r.number(), Node: entry.AuthorID(r.hash()), NodeAt: r.number(),
		Signature: r.bytes(), Code: entry.Code(r.bytes()), Statement: r.statement(),
	}
	return p, receiptFault(r.end())
}

// receiptFault reports a fault, if there is one, as one of the store.
func receiptFault(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReceiptsCorrupt, err)
	}
	return nil
}
