package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"indelible/ingest/journal"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Find returns the receipt stored last for a statement.
func (r *Receipts) Find(id entry.StatementID) (found *Proven, ok bool, err error) {
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
		if len(record) == 0 || record[0] != kindReceipt {
			return receiptFault("the index names something else")
		}
		p, err := readReceipt(g, record[1:])
		if err == nil && p.Statement.ID() == id {
			found = p
		}
		return err
	})
	return found, found != nil, err
}

// missing returns those of the list whose statements have no stored receipt yet.
func (r *Receipts) missing(list []*Proven) ([]*Proven, error) {
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
	return slices.DeleteFunc(slices.Clone(list), func(p *Proven) bool {
		id := p.Statement.ID()
		return stored[[indexPrefix]byte(id[:])]
	}), err
}

// rows calls each for every row of the index, oldest first: a million are 24 MB, some
// milliseconds, and cost no memory in between. Half a statement id is enough: it is a
// SHA-256, of which nobody finds two with the same half. mu is held.
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
	found := false
	err = g.ScanHead(func(_ journal.Address, record []byte) error {
		if !found && len(record) > 0 && record[0] == kindIndex && len(record)%indexRow == 1 {
			index, found = record[1:], true
		}
		return nil
	})
	if err == nil && !found {
		err = receiptFault("a segment begins without an index")
	}
	return index, err
}

// errStop ends a scan of which nothing more is wanted.
var errStop = errors.New("stop")

// All returns every stored receipt, oldest first. The store must not be closed
// meanwhile; what is added meanwhile is seen or not.
func (r *Receipts) All() iter.Seq2[*Proven, error] { return all(r, kindReceipt, readReceipt) }

// Refused returns every stored refusal, oldest first, like All.
func (r *Receipts) Refused() iter.Seq2[*Refused, error] { return all(r, kindRefusal, decodeRefused) }

func all[T any](r *Receipts, kind byte, decode func(*journal.Segment, []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r.mu.Lock()
		segments, err := r.journal.Segments(), r.journal.Failed()
		r.mu.Unlock()
		for i := 0; i < len(segments) && err == nil; i++ {
			err = segments[i].Scan(func(_ journal.Address, record []byte) error {
				if len(record) == 0 || record[0] != kind {
					return nil
				}
				found, err := decode(segments[i], record[1:])
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

func encodeReceipt(p *Proven, checkpointAt journal.Address) []byte {
	record := binary.BigEndian.AppendUint64([]byte{kindReceipt}, uint64(checkpointAt))
	record = binary.BigEndian.AppendUint64(record, p.Receipt.Index)
	record = binary.BigEndian.AppendUint64(record, p.Receipt.LedgerTime)
	record = append(record, byte(len(p.Receipt.Path)))
	for _, h := range p.Receipt.Path {
		record = append(record, h[:]...)
	}
	return append(record, p.Statement.Bytes()...)
}

// readReceipt decodes a receipt and reads its checkpoint.
func readReceipt(g *journal.Segment, body []byte) (*Proven, error) {
	p, checkpointAt, err := decodeReceipt(body)
	if err != nil {
		return nil, err
	}
	record, err := g.Read(checkpointAt)
	if err != nil {
		return nil, err
	}
	if len(record) == 0 || record[0] != kindCheckpoint {
		return nil, receiptFault("a receipt names no checkpoint")
	}
	p.Receipt.Checkpoint = record[1:]
	return p, nil
}

// decodeReceipt decodes a receipt but for its checkpoint.
func decodeReceipt(body []byte) (p *Proven, checkpointAt journal.Address, err error) {
	const fixed = 8 + 8 + 8 + 1
	if len(body) < fixed || len(body) < fixed+int(body[fixed-1])*proof.HashSize {
		return nil, 0, receiptFault("a receipt is cut off")
	}
	receipt := &proof.Receipt{Index: binary.BigEndian.Uint64(body[8:]), LedgerTime: binary.BigEndian.Uint64(body[16:])}
	rest := body[fixed:]
	for range body[fixed-1] {
		receipt.Path = append(receipt.Path, proof.Hash(rest[:proof.HashSize]))
		rest = rest[proof.HashSize:]
	}
	statement, err := entry.Parse(rest)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrReceiptsCorrupt, err)
	}
	return &Proven{Statement: statement, Receipt: receipt}, journal.Address(binary.BigEndian.Uint64(body)), nil
}

func encodeRefused(p *Refused) []byte {
	record := binary.BigEndian.AppendUint64([]byte{kindRefusal}, p.At)
	record = append(record, p.Node[:]...)
	record = binary.BigEndian.AppendUint64(record, p.NodeAt)
	record = append(append(record, byte(len(p.Signature))), p.Signature...)
	record = append(append(record, byte(len(p.Code))), p.Code...)
	return append(record, p.Statement.Bytes()...)
}

func decodeRefused(_ *journal.Segment, body []byte) (*Refused, error) {
	const fixed = 8 + entry.HashSize + 8
	cutOff := receiptFault("a refusal is cut off")
	if len(body) < fixed {
		return nil, cutOff
	}
	p := &Refused{
		At:     binary.BigEndian.Uint64(body),
		Node:   entry.AuthorID(body[8 : 8+entry.HashSize]),
		NodeAt: binary.BigEndian.Uint64(body[8+entry.HashSize:]),
	}
	rest := body[fixed:]
	var pieces [2][]byte
	for i := range pieces {
		if len(rest) < 1 || len(rest)-1 < int(rest[0]) {
			return nil, cutOff
		}
		pieces[i], rest = rest[1:1+int(rest[0])], rest[1+int(rest[0]):]
	}
	p.Signature, p.Code = pieces[0], entry.Code(pieces[1])
	var err error
	if p.Statement, err = entry.Parse(rest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceiptsCorrupt, err)
	}
	return p, nil
}

func receiptFault(what string) error { return fmt.Errorf("%w: %s", ErrReceiptsCorrupt, what) }
