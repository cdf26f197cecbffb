package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"indelible/ledger/entry"
	"indelible/proof"
)

// receiptRecord is one record of receipts.log.
type receiptRecord struct {
	kind byte
	at   int64
	body []byte
}

func appendRecord(out []byte, kind byte, body []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	sum := crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, body)
	out = binary.BigEndian.AppendUint32(out, sum)
	out = append(out, kind)
	return append(out, body...)
}

func encodeReceipt(p *Proven, checkpointAt int64) []byte {
	body := binary.BigEndian.AppendUint64(nil, uint64(checkpointAt))
	body = binary.BigEndian.AppendUint64(body, p.Receipt.Index)
	body = binary.BigEndian.AppendUint64(body, p.Receipt.LedgerTime)
	body = append(body, byte(len(p.Receipt.Path)))
	for _, h := range p.Receipt.Path {
		body = append(body, h[:]...)
	}
	return append(body, p.Statement.Bytes()...)
}

// receiptAt reads the receipt at an offset of the log. mu is held.
func (r *Receipts) receiptAt(at int64) (*Proven, error) {
	rec, err := r.readRecord(at, r.size)
	if err != nil {
		return nil, err
	}
	if rec.kind != kindReceipt {
		return nil, r.corruptAt(at)
	}
	return r.decodeReceipt(rec.body)
}

func (r *Receipts) decodeReceipt(body []byte) (*Proven, error) {
	const fixed = 8 + 8 + 8 + 1
	if len(body) < fixed {
		return nil, fmt.Errorf("%w: a receipt is cut off", ErrReceiptsCorrupt)
	}
	receipt := &proof.Receipt{
		Index:      binary.BigEndian.Uint64(body[8:]),
		LedgerTime: binary.BigEndian.Uint64(body[16:]),
	}
	hashes, rest := int(body[24]), body[fixed:]
	if len(rest) < hashes*proof.HashSize {
		return nil, fmt.Errorf("%w: a receipt is cut off", ErrReceiptsCorrupt)
	}
	for range hashes {
		receipt.Path = append(receipt.Path, proof.Hash(rest[:proof.HashSize]))
		rest = rest[proof.HashSize:]
	}
	rec, err := r.readRecord(int64(binary.BigEndian.Uint64(body)), 1<<62)
	if err != nil {
		return nil, err
	}
	if rec.kind != kindCheckpoint {
		return nil, r.corruptAt(rec.at)
	}
	receipt.Checkpoint = rec.body
	statement, err := entry.Parse(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceiptsCorrupt, err)
	}
	return &Proven{Statement: statement, Receipt: receipt}, nil
}

func encodeRefused(p *Refused) []byte {
	body := binary.BigEndian.AppendUint64(nil, p.At)
	body = append(body, p.Node[:]...)
	body = binary.BigEndian.AppendUint64(body, p.NodeAt)
	body = append(body, byte(len(p.Signature)))
	body = append(body, p.Signature...)
	body = append(body, byte(len(p.Code)))
	body = append(body, p.Code...)
	return append(body, p.Statement.Bytes()...)
}

func decodeRefused(body []byte) (*Refused, error) {
	const fixed = 8 + entry.HashSize + 8
	cutOff := fmt.Errorf("%w: a refusal is cut off", ErrReceiptsCorrupt)
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

func (r *Receipts) corruptAt(at int64) error {
	return fmt.Errorf("%w: at byte %d", ErrReceiptsCorrupt, at)
}

// readRecord reads the record at an offset; it must end at or before limit.
func (r *Receipts) readRecord(at, limit int64) (receiptRecord, error) {
	var header [receiptsHeader]byte
	if at < int64(len(receiptsMagic)) || at+receiptsHeader > limit {
		return receiptRecord{}, r.corruptAt(at)
	}
	if _, err := r.log.ReadAt(header[:], at); err != nil {
		return receiptRecord{}, r.readFault(at, err)
	}
	length := int64(binary.BigEndian.Uint32(header[:]))
	if length > maxReceiptRecord || at+receiptsHeader+length > limit {
		return receiptRecord{}, r.corruptAt(at)
	}
	body := make([]byte, length)
	if _, err := r.log.ReadAt(body, at+receiptsHeader); err != nil {
		return receiptRecord{}, r.readFault(at, err)
	}
	sum := crc32.Update(crc32.Checksum(header[8:9], castagnoli), castagnoli, body)
	if sum != binary.BigEndian.Uint32(header[4:]) {
		return receiptRecord{}, r.corruptAt(at)
	}
	return receiptRecord{kind: header[8], at: at, body: body}, nil
}

func (r *Receipts) readFault(at int64, err error) error {
	if errors.Is(err, io.EOF) {
		return r.corruptAt(at)
	}
	return fmt.Errorf("ingest: read the receipt store: %w", err)
}

// records walks the log as long as it was when the walk began.
func (r *Receipts) records() iter.Seq2[receiptRecord, error] {
	return func(yield func(receiptRecord, error) bool) {
		r.mu.Lock()
		size, broken := r.size, r.broken
		r.mu.Unlock()
		if broken != nil {
			yield(receiptRecord{}, broken)
			return
		}
		for at := int64(len(receiptsMagic)); at < size; {
			rec, err := r.readRecord(at, size)
			if !yield(rec, err) || err != nil {
				return
			}
			at += receiptsHeader + int64(len(rec.body))
		}
	}
}
