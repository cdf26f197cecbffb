package proof

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// The extra line of a receipt is the CBOR array [1, ledger time] in its one
// deterministic form (RFC 8949 §4.2.1). Two bytes begin it always, then one
// unsigned integer follows and nothing else.
var extraHead = []byte{0x82, 0x01}

// Additional information of a CBOR unsigned integer: below cborByte the value
// itself, from there on how many bytes follow (1, 2, 4, 8).
const (
	cborByte  = 24
	cborShort = 25
	cborWord  = 26
	cborLong  = 27
)

func encodeExtra(ledgerTime uint64) []byte {
	b := bytes.Clone(extraHead)
	switch {
	case ledgerTime < cborByte:
		return append(b, byte(ledgerTime))
	case ledgerTime <= math.MaxUint8:
		return append(b, cborByte, byte(ledgerTime))
	case ledgerTime <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, cborShort), uint16(ledgerTime))
	case ledgerTime <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, cborWord), uint32(ledgerTime))
	}
	return binary.BigEndian.AppendUint64(append(b, cborLong), ledgerTime)
}

func decodeExtra(raw []byte) (ledgerTime uint64, err error) {
	refused := fmt.Errorf("not the canonical CBOR of [1, ledger time]: %w", ErrEncoding)
	number, ok := bytes.CutPrefix(raw, extraHead)
	if !ok || len(number) == 0 || number[0] > cborLong {
		return 0, refused
	}
	if number[0] < cborByte {
		ledgerTime = uint64(number[0])
	}
	for _, b := range number[1:min(len(number), 9)] {
		ledgerTime = ledgerTime<<8 | uint64(b)
	}
	// Whatever was read must be all of it, in its shortest form.
	if !bytes.Equal(encodeExtra(ledgerTime), raw) {
		return 0, refused
	}
	return ledgerTime, nil
}
