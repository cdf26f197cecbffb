package wire

import (
	"encoding/binary"

	"indelible/ledger/entry"
)

// JurisdictionHeader names the jurisdiction of a request that carries or returns
// health data. Its one value is the name of a jurisdiction, as in genesis.
const JurisdictionHeader = "Indelible-Jurisdiction"

// refusalDomain begins the bytes signed under a refusal. No statement begins so.
const refusalDomain = "indelible refusal v1\n"

// RefusalBytes are what a node signs under a refusal for good (SignedRefusal in
// the schema), at its clock, Unix milliseconds.
func RefusalBytes(log entry.LogID, id entry.StatementID, at uint64, code entry.Code) []byte {
	b := append([]byte(refusalDomain), log[:]...)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, at)
	return append(b, code...)
}
