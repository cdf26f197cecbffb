package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// Command types in the Raft log of the global group (FORMATS §7). Type 0
// belongs to package raft.
const (
	// CommandAppend orders statements; without any it only moves ledger time.
	CommandAppend uint16 = 1

	// CommandSeal is reserved for the completeness map. A node that meets it
	// stops, because a later version must have written it.
	CommandSeal uint16 = 2
)

// MaxAppendBody bounds the body of an append, bytes: a command is at most 1 MiB
// with its envelope (FORMATS §7).
const MaxAppendBody = 1<<20 - 64

// itemHeader is the seal time (8 bytes) and the length of the statement (2).
const itemHeader = 8 + 2

// maxItems bounds the statements of one append; no statement is shorter than
// this many bytes.
const (
	minStatement = 64
	maxItems     = MaxAppendBody / (itemHeader + minStatement)
)

var errAppendBody = errors.New("ledger: the body of an append is malformed")

// Item is one statement to be ordered.
type Item struct {
	Statement []byte // as the author signed it
	SealedAt  uint64 // when the vault sealed its parts, Unix milliseconds; 0 when nothing is sealed
}

// Size is how many bytes of an append's body the item takes.
func (i Item) Size() int { return itemHeader + len(i.Statement) }

// EncodeAppend encodes the body of an append: per statement its seal time (8
// bytes, big-endian), its length (2) and its bytes. It refuses what could never
// be applied: a statement above entry.MaxStatement, a body above MaxAppendBody.
func EncodeAppend(items []Item) ([]byte, error) {
	size := 0
	for _, item := range items {
		if len(item.Statement) > entry.MaxStatement {
			return nil, entry.Refuse(entry.CodeTooLarge, "statement of %d bytes, at most %d", len(item.Statement), entry.MaxStatement)
		}
		size += item.Size()
	}
	if size > MaxAppendBody || len(items) > maxItems {
		return nil, fmt.Errorf("ledger: append of %d statements and %d bytes, at most %d and %d", len(items), size, maxItems, MaxAppendBody)
	}
	body := make([]byte, 0, size)
	for _, item := range items {
		body = binary.BigEndian.AppendUint64(body, item.SealedAt)
		body = binary.BigEndian.AppendUint16(body, uint16(len(item.Statement)))
		body = append(body, item.Statement...)
	}
	return body, nil
}

// decodeAppend reads what EncodeAppend wrote. The statements alias the body.
// An error means that a leader wrote what no leader writes.
func decodeAppend(body []byte) ([]Item, error) {
	if len(body) > MaxAppendBody {
		return nil, fmt.Errorf("%w: %d bytes", errAppendBody, len(body))
	}
	var items []Item
	for len(body) > 0 {
		if len(body) < itemHeader || len(items) == maxItems {
			return nil, fmt.Errorf("%w: item %d", errAppendBody, len(items))
		}
		sealed, size := binary.BigEndian.Uint64(body), int(binary.BigEndian.Uint16(body[8:]))
		body = body[itemHeader:]
		if size > len(body) || size > entry.MaxStatement {
			return nil, fmt.Errorf("%w: item %d has %d bytes", errAppendBody, len(items), size)
		}
		items = append(items, Item{Statement: body[:size:size], SealedAt: sealed})
		body = body[size:]
	}
	return items, nil
}
