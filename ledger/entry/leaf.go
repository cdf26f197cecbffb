package entry

// MaxLeaf is the size of the largest leaf, bytes: an entry bundle spells the
// length in two (C2SP tlog-tiles).
const MaxLeaf = 65_535

const (
	leafVersion = 1
	leafPrefix  = 0x00 // RFC 6962 section 2.1
)

// Leaf returns CBOR [1, ledger time, statement]: what the tree holds. The ledger
// time is in Unix milliseconds. The statement is taken as it is: it must be whole
// and at most MaxStatement bytes.
func Leaf(ledgerTime uint64, statement []byte) ([]byte, error) {
	if err := checkLeafStatement(statement); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(statement)+16)
	b = appendArray(b, 3)
	b = appendUint(b, leafVersion)
	b = appendUint(b, ledgerTime)
	b = appendBytes(b, statement)
	if len(b) > MaxLeaf {
		return nil, Refuse(CodeLeafTooLarge, "a leaf of %d bytes, at most %d", len(b), MaxLeaf)
	}
	return b, nil
}

// ParseLeaf reads a leaf strictly. The statement returned points into leaf and
// is not parsed.
func ParseLeaf(leaf []byte) (ledgerTime uint64, statement []byte, err error) {
	if len(leaf) > MaxLeaf {
		return 0, nil, Refuse(CodeLeafTooLarge, "a leaf of %d bytes, at most %d", len(leaf), MaxLeaf)
	}
	w := walker{data: leaf}
	w.arrayOf(3)
	w.uintWithin(leafVersion, leafVersion)
	ledgerTime = w.uint()
	statement = w.bytes()
	w.end()
	if w.fault != nil {
		return 0, nil, w.fault
	}
	if err := checkLeafStatement(statement); err != nil {
		return 0, nil, err
	}
	return ledgerTime, statement, nil
}

func checkLeafStatement(statement []byte) error {
	if len(statement) > MaxStatement {
		return Refuse(CodeTooLarge, "a statement of %d bytes, at most %d", len(statement), MaxStatement)
	}
	if len(statement) < 2 || statement[0] != tagSign1 || statement[1] != arraySign1 {
		return Refuse(CodeMalformed, "a leaf holds something other than a tagged COSE_Sign1")
	}
	return nil
}
