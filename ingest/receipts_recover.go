package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// recover brings both files to what is whole after a crash. The log is synced
// before the index and the index before anybody is told, so at most the last
// batch of each can be torn, and nothing in it was promised.
func (r *Receipts) recover() error {
	info, err := r.log.Stat()
	if err != nil {
		return fmt.Errorf("ingest: open the receipt store: %w", err)
	}
	if info.Size() < int64(len(receiptsMagic)) {
		index, err := r.index.Stat()
		if err != nil {
			return fmt.Errorf("ingest: open the receipt index: %w", err)
		}
		if index.Size() > 0 { // it is written last: what it names was there
			return fmt.Errorf("%w: its log is cut off", ErrReceiptsCorrupt)
		}
		return r.begin()
	}
	magic := make([]byte, len(receiptsMagic))
	if _, err := r.log.ReadAt(magic, 0); err != nil || string(magic) != receiptsMagic {
		return fmt.Errorf("%w: it is no receipt store", ErrReceiptsCorrupt)
	}
	from, err := r.recoverIndex(info.Size())
	if err != nil {
		return err
	}
	return r.recoverLog(from, info.Size())
}

func (r *Receipts) begin() error {
	r.size = int64(len(receiptsMagic))
	for _, file := range []*os.File{r.log, r.index} {
		if err := file.Truncate(0); err != nil {
			return fmt.Errorf("ingest: begin the receipt store: %w", err)
		}
	}
	if _, err := r.log.WriteAt([]byte(receiptsMagic), 0); err != nil {
		return fmt.Errorf("ingest: begin the receipt store: %w", err)
	}
	return r.log.Sync()
}

// recoverIndex compares the end of the index with the log, counts the entries
// that hold, and returns where in the log the first record behind them begins.
func (r *Receipts) recoverIndex(size int64) (int64, error) {
	info, err := r.index.Stat()
	if err != nil {
		return 0, fmt.Errorf("ingest: open the receipt index: %w", err)
	}
	entries := int(info.Size() / indexEntry)
	first := max(0, entries-verifyTail)
	rows := make([]byte, (entries-first)*indexEntry)
	if _, err := r.index.ReadAt(rows, int64(first)*indexEntry); err != nil && len(rows) > 0 {
		return 0, fmt.Errorf("ingest: read the receipt index: %w", err)
	}
	from := int64(len(receiptsMagic))
	r.count = first
	for ; len(rows) > 0; rows = rows[indexEntry:] {
		end, err := r.checkRow(rows[:indexEntry], size)
		if errors.Is(err, ErrReceiptsCorrupt) {
			break
		}
		if err != nil {
			return 0, err
		}
		from = end
		r.count++
	}
	if r.count == first && first > 0 {
		r.count = 0 // nothing of the tail holds: index the whole log again
		from = int64(len(receiptsMagic))
	}
	return from, r.checkBeyond(rows, size, from)
}

// checkRow compares an entry of the index with the log and returns where its
// record ends.
func (r *Receipts) checkRow(row []byte, size int64) (int64, error) {
	rec, err := r.readRecord(int64(binary.BigEndian.Uint64(row[indexPrefix:])), size)
	if err != nil {
		return 0, err
	}
	if rec.kind != kindReceipt {
		return 0, r.corruptAt(rec.at)
	}
	p, err := r.decodeReceipt(rec.body)
	if err != nil {
		return 0, err
	}
	if id := p.Statement.ID(); string(id[:indexPrefix]) != string(row[:indexPrefix]) {
		return 0, r.corruptAt(rec.at)
	}
	end := rec.at + receiptsHeader + int64(len(rec.body))
	return end, r.rememberNote(binary.BigEndian.Uint64(rec.body), p.Receipt.Checkpoint)
}

// checkBeyond tells a torn end from damage in the middle: the index names only
// what was durable, so if an entry holds, all of the log before it must.
func (r *Receipts) checkBeyond(rows []byte, size, from int64) error {
	for ; len(rows) > 0; rows = rows[indexEntry:] {
		end, err := r.checkRow(rows[:indexEntry], size)
		if errors.Is(err, ErrReceiptsCorrupt) {
			continue
		}
		if err != nil {
			return err
		}
		for at := from; at < end; {
			rec, err := r.readRecord(at, end)
			if err != nil {
				return err
			}
			at += receiptsHeader + int64(len(rec.body))
		}
		from = end
	}
	return nil
}

// recoverLog indexes the whole records from an offset on and cuts off what is torn.
func (r *Receipts) recoverLog(from, size int64) error {
	var index []byte
	at := from
	for at < size {
		rec, err := r.readRecord(at, size)
		if errors.Is(err, ErrReceiptsCorrupt) {
			break
		}
		if err != nil {
			return err
		}
		switch rec.kind {
		case kindReceipt:
			p, err := r.decodeReceipt(rec.body)
			if err != nil {
				return err
			}
			id := p.Statement.ID()
			index = append(index, id[:indexPrefix]...)
			index = binary.BigEndian.AppendUint64(index, uint64(at))
		case kindCheckpoint:
			if err := r.rememberNote(uint64(at), rec.body); err != nil {
				return err
			}
		}
		at += receiptsHeader + int64(len(rec.body))
	}
	r.size = at
	if err := r.log.Truncate(at); err != nil {
		return fmt.Errorf("ingest: cut off a torn receipt: %w", err)
	}
	if err := r.index.Truncate(int64(r.count) * indexEntry); err != nil {
		return fmt.Errorf("ingest: cut off a torn receipt: %w", err)
	}
	if err := errors.Join(r.log.Sync(), r.index.Sync()); err != nil {
		return fmt.Errorf("ingest: sync the receipt store: %w", err)
	}
	return r.write(nil, index)
}

func (r *Receipts) rememberNote(at uint64, note []byte) error {
	checkpoint, err := parseCheckpoint(note)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReceiptsCorrupt, err)
	}
	r.remember(note, int64(at), checkpoint)
	return nil
}
