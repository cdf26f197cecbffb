package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// The first byte of every key. A number (no) is given to each author and handle
// in the order in which they entered the log, so that the keys of what there is
// much of are short; the index of an entry is 8 bytes, big-endian.
//
// Rows are of three sorts. Written once: leaf, sid, used, repeat, request and
// the value-less indexes, all keyed by or holding the index of the entry that
// caused them. Growing: tile, until it is full. Replaced: the registries and
// meta. Nothing is ever deleted except waiting and openErasure.
const (
	keyAuthor      = 'a' // author id → Author: key, role, state
	keyByAuthor    = 'A' // no, index → nothing: entries by the author or naming it
	keyBinding     = 'b' // binding id → Binding
	keyCA          = 'c' // SHA-256 of the SPKI → CA
	keyRun         = 'd' // no, run → which statements of a device hang together (run.go)
	keyLeaf        = 'e' // index → leaf
	keyWaiting     = 'g' // no, statement id → the run that waits for this statement
	keyHandle      = 'h' // handle → Handle
	keyByHandle    = 'H' // no, index → nothing: entries about the handle
	keyConsent     = 'k' // handle no, index → nothing: consents about the handle
	keyByAccessor  = 'K' // handle no, index → nothing: accesses by the handle
	keyMeta        = 'm' // nothing → size, time, root, counters
	keyMark        = 'M' // index → late, equivocation
	keyNode        = 'n' // name → where its record stands
	keyHold        = 'o' // statement id of the set → Hold
	keyPending     = 'p' // statement id of a ×2 statement → Confirmation
	keyRepeat      = 'q' // no, boot, seq, index → run: further statements at a used number
	keyRequest     = 'r' // no, request id → index
	keySid         = 's' // statement id → index
	keyTile        = 't' // level, tile → up to 256 hashes
	keyUsed        = 'u' // no, boot, seq → index and run of the first statement at this number
	keyErasure     = 'x' // statement id of the request → Erasure
	keyOpenErasure = 'X' // jurisdiction, index of the request → statement id: neither cancelled nor complete
	keyPolicy      = 'y' // type, regime, index → hash
)

// rowNames says what a prefix holds, for reports.
var rowNames = map[byte]string{
	keyAuthor: "author", keyByAuthor: "by-author", keyBinding: "binding", keyCA: "ca", keyRun: "run", keyLeaf: "leaf",
	keyWaiting: "waiting", keyHandle: "handle", keyByHandle: "by-handle", keyConsent: "consent", keyByAccessor: "by-accessor",
	keyMeta: "meta", keyMark: "mark", keyNode: "node", keyHold: "hold", keyPending: "pending", keyRepeat: "repeat",
	keyRequest: "request", keySid: "sid", keyTile: "tile", keyUsed: "used", keyErasure: "erasure",
	keyOpenErasure: "open erasure", keyPolicy: "policy",
}

const indexSize = 8

var metaKey = []byte{keyMeta}

func leafKey(index uint64) []byte { return numberKey(keyLeaf, index) }
func markKey(index uint64) []byte { return numberKey(keyMark, index) }

func sidKey(id entry.StatementID) []byte { return bytesKey(keySid, id[:]) }

func tileKey(level int, tile uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyTile, byte(level)}, tile)
}

func openErasureKey(jurisdiction string, index uint64) []byte {
	key := append(make([]byte, 0, 1+len(jurisdiction)+1+indexSize), keyOpenErasure)
	key = append(key, jurisdiction...)
	return binary.BigEndian.AppendUint64(append(key, 0), index)
}

func policyKey(t entry.PolicyType, r entry.Regime, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyPolicy, byte(t), byte(r)}, index)
}

// numberKey is a prefix and 64-bit numbers, so that keys sort as the numbers do.
func numberKey(prefix byte, numbers ...uint64) []byte {
	key := append(make([]byte, 0, 1+8*len(numbers)), prefix)
	for _, n := range numbers {
		key = binary.BigEndian.AppendUint64(key, n)
	}
	return key
}

func bytesKey(prefix byte, id []byte) []byte {
	return append(append(make([]byte, 0, 1+len(id)), prefix), id...)
}

func noBytesKey(prefix byte, no uint64, id []byte) []byte {
	key := append(make([]byte, 0, 1+8+len(id)), prefix)
	return append(binary.BigEndian.AppendUint64(key, no), id...)
}

func lastNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

var errEnough = errors.New("enough")

// scan hands every row whose key begins with prefix to use, in order of keys,
// beginning at start if that is set. use must not keep what it is handed, and
// ends the scan without an error by returning errEnough.
func scan(from pebble.Reader, prefix, start []byte, use func(key, row []byte) error) error {
	if start == nil {
		start = prefix
	}
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: state.After(prefix)})
	if err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	err = walk(it, use)
	return errors.Join(err, it.Close())
}

func walk(it *pebble.Iterator, use func(key, row []byte) error) error {
	for ok := it.First(); ok; ok = it.Next() {
		row, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("ledger: read a %s row: %w", rowNames[it.Key()[0]], err)
		}
		err = use(it.Key(), row)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	return nil
}

// lastBelow returns the key and value of the last row whose key begins with
// prefix; nil when there is none.
func lastBelow(from pebble.Reader, prefix []byte) (key, row []byte, err error) {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: state.After(prefix)})
	if err != nil {
		return nil, nil, fmt.Errorf("ledger: read rows: %w", err)
	}
	if it.Last() {
		key = append([]byte(nil), it.Key()...)
		var value []byte
		value, err = it.ValueAndErr()
		row = append([]byte(nil), value...)
	}
	if err = errors.Join(err, it.Error(), it.Close()); err != nil {
		return nil, nil, fmt.Errorf("ledger: read rows: %w", err)
	}
	return key, row, nil
}
