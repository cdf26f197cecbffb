package ledger

// RowNames are the prefixes of the key space and what each holds.
func RowNames() map[byte]string { return rowNames }

// DecodeAppend reads what EncodeAppend wrote.
func DecodeAppend(body []byte) ([]Item, error) { return decodeAppend(body) }
