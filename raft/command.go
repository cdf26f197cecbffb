package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A command is what a Raft entry of type "command" holds (FORMATS §7):
//
//	version (2) ‖ type (2) ‖ leader time, Unix ms (8) ‖ body
//
// all big-endian, at most MaxCommand bytes as a whole.
const (
	commandVersion = 1
	commandHeader  = 2 + 2 + 8

	// commandTermOpen is the one type this package keeps for itself: each new
	// leader commits one, with an empty body, before it serves linearizable
	// reads. State machines number theirs from 1 and never see it.
	commandTermOpen uint16 = 0
)

// errCommand means that an entry of the Raft log is not a command this program
// knows how to read. It must not be skipped: others did not skip it.
var errCommand = errors.New("raft: not a command of a known version")

type envelope struct {
	kind uint16
	time uint64 // leader's clock at proposal, Unix milliseconds
	body []byte // shares memory with what was decoded
}

func (e envelope) encode() ([]byte, error) {
	if len(e.body) > MaxCommand-commandHeader {
		return nil, ErrTooLarge
	}
	raw := make([]byte, commandHeader, commandHeader+len(e.body))
	binary.BigEndian.PutUint16(raw, commandVersion)
	binary.BigEndian.PutUint16(raw[2:], e.kind)
	binary.BigEndian.PutUint64(raw[4:], e.time)
	return append(raw, e.body...), nil
}

func decodeCommand(raw []byte) (envelope, error) {
	if len(raw) < commandHeader || len(raw) > MaxCommand {
		return envelope{}, fmt.Errorf("%w: %d bytes", errCommand, len(raw))
	}
	if v := binary.BigEndian.Uint16(raw); v != commandVersion {
		return envelope{}, fmt.Errorf("%w: version %d, this program knows %d", errCommand, v, commandVersion)
	}
	e := envelope{
		kind: binary.BigEndian.Uint16(raw[2:]),
		time: binary.BigEndian.Uint64(raw[4:]),
		body: raw[commandHeader:],
	}
	if e.kind == commandTermOpen && len(e.body) > 0 {
		return envelope{}, fmt.Errorf("%w: a term opening with a body", errCommand)
	}
	return e, nil
}
