package state

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Command is one committed Raft log entry, without its envelope.
type Command struct {
	Index uint64 // Raft log index
	Term  uint64 // Raft term
	Time  uint64 // leader's clock when it proposed, Unix milliseconds
	Type  uint16 // what Body means, decided by the state machine
	Body  []byte
}

// Applied is the position up to which a state database has folded its Raft log.
type Applied struct {
	Index       uint64 // newest Raft log index folded in
	Term        uint64 // term of that index
	ConfigIndex uint64 // Raft log index of the newest membership configuration
	Config      []byte // that configuration, encoded by the raft package
}

// appliedVersion is the first byte of the stored row; a newer one is refused.
const appliedVersion = 1

const appliedHeader = 1 + 8 + 8 + 8

var errAppliedRow = errors.New("state: the applied row is malformed")

func (a Applied) encode() []byte {
	row := make([]byte, appliedHeader, appliedHeader+len(a.Config))
	row[0] = appliedVersion
	binary.BigEndian.PutUint64(row[1:], a.Index)
	binary.BigEndian.PutUint64(row[9:], a.Term)
	binary.BigEndian.PutUint64(row[17:], a.ConfigIndex)
	return append(row, a.Config...)
}

func decodeApplied(row []byte) (Applied, error) {
	if len(row) < appliedHeader {
		return Applied{}, errAppliedRow
	}
	if row[0] != appliedVersion {
		return Applied{}, fmt.Errorf("%w: version %d, this program knows %d", errAppliedRow, row[0], appliedVersion)
	}
	return Applied{
		Index:       binary.BigEndian.Uint64(row[1:]),
		Term:        binary.BigEndian.Uint64(row[9:]),
		ConfigIndex: binary.BigEndian.Uint64(row[17:]),
		Config:      append([]byte(nil), row[appliedHeader:]...),
	}, nil
}
