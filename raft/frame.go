package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Purpose says what a peer stream carries after its first frame.
type Purpose uint8

// The purposes of FORMATS §7, in the order named there.
const (
	PurposeRaft    Purpose = 1 + iota // messages of one Raft group
	PurposeSeed                       // state for a node that lags too far behind
	PurposeKeyring                    // root keys of a jurisdiction
	PurposeForward                    // appends on their way to the leader
	PurposeCosign                     // checkpoints on their way to a vote
)

// String names the purpose as FORMATS §7 does.
func (p Purpose) String() string {
	names := [...]string{"raft", "seed", "keyring", "forward", "cosign"}
	if p < PurposeRaft || int(p) > len(names) {
		return fmt.Sprintf("purpose %d", uint8(p))
	}
	return names[p-1]
}

// Frame is the first thing the dialer of a peer stream sends:
//
//	length of what follows (2) ‖ version (2) ‖ purpose (1)
//	‖ length (1) ‖ group ‖ length (1) ‖ source node ‖ length (1) ‖ target node
//
// all big-endian, no byte left over, names never empty.
type Frame struct {
	Purpose Purpose
	Group   string // GlobalGroup or a jurisdiction's, see JurisdictionGroup
	Source  string // node name of the dialer; must be the one its certificate stands for
	Target  string // node name of the acceptor
}

const (
	frameVersion   = 1
	frameFixed     = 2 + 1
	maxFrameBytes  = frameFixed + 3*(1+maxNameBytes)
	frameNameCount = 3
)

// errFrame means that a stream did not begin with a frame of this protocol.
var errFrame = errors.New("raft: not a first frame of a known version")

// Marshal encodes the frame.
func (f Frame) Marshal() ([]byte, error) {
	if f.Purpose < PurposeRaft || f.Purpose > PurposeCosign {
		return nil, fmt.Errorf("%w: %s", errFrame, f.Purpose)
	}
	raw := []byte{0, 0, 0, frameVersion, byte(f.Purpose)}
	for _, name := range [frameNameCount]string{f.Group, f.Source, f.Target} {
		if name == "" || len(name) > maxNameBytes {
			return nil, fmt.Errorf("%w: a name of %d bytes", errFrame, len(name))
		}
		raw = append(append(raw, byte(len(name))), name...)
	}
	binary.BigEndian.PutUint16(raw, uint16(len(raw)-2))
	return raw, nil
}

// ParseFrame decodes what follows the length, strictly.
func ParseFrame(raw []byte) (Frame, error) {
	if len(raw) < frameFixed || len(raw) > maxFrameBytes {
		return Frame{}, fmt.Errorf("%w: %d bytes", errFrame, len(raw))
	}
	if v := binary.BigEndian.Uint16(raw); v != frameVersion {
		return Frame{}, fmt.Errorf("%w: version %d, this program knows %d", errFrame, v, frameVersion)
	}
	f := Frame{Purpose: Purpose(raw[2])}
	if f.Purpose < PurposeRaft || f.Purpose > PurposeCosign {
		return Frame{}, fmt.Errorf("%w: %s", errFrame, f.Purpose)
	}
	rest := raw[frameFixed:]
	for _, name := range [frameNameCount]*string{&f.Group, &f.Source, &f.Target} {
		if len(rest) == 0 {
			return Frame{}, fmt.Errorf("%w: a name is missing", errFrame)
		}
		n := 1 + int(rest[0])
		if n == 1 || n > len(rest) {
			return Frame{}, fmt.Errorf("%w: a name is empty or cut short", errFrame)
		}
		*name, rest = string(rest[1:n]), rest[n:]
	}
	if len(rest) > 0 {
		return Frame{}, fmt.Errorf("%w: %d bytes left over", errFrame, len(rest))
	}
	return f, nil
}

// ReadFrame reads one frame and not a byte more. The caller sets a deadline.
func ReadFrame(from io.Reader) (Frame, error) {
	var length [2]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return Frame{}, fmt.Errorf("raft: read a first frame: %w", err)
	}
	n := binary.BigEndian.Uint16(length[:])
	if n < frameFixed || n > maxFrameBytes {
		return Frame{}, fmt.Errorf("%w: %d bytes announced", errFrame, n)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(from, raw); err != nil {
		return Frame{}, fmt.Errorf("raft: read a first frame: %w", err)
	}
	return ParseFrame(raw)
}
