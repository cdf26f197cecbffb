package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"indelible/proof"
)

// What was published is one row per kind of cosignature in the Raft log's
// database: version (1) ‖ when, Unix ms (8) ‖ signed note. It is on disk before
// anyone sees the note, so that no restart can go back behind what was seen.
const (
	checkpointVersion = 1
	checkpointHeader  = 1 + 8

	rowLatest = "latest" // Ed25519 cosignatures
	rowPQ     = "pq"     // ML-DSA-44 cosignatures as well
)

// errCheckpointRow means that the record of what was published is damaged.
var errCheckpointRow = errors.New("raft: the record of the published checkpoint is malformed")

// Published is a checkpoint that is signed, on disk, and may be shown.
type Published struct {
	Checkpoint proof.Checkpoint
	Note       []byte    // the signed note, verbatim; never modified
	At         time.Time // when it was signed, by the leader's clock, to the millisecond
}

func (p *Published) encode() []byte {
	row := make([]byte, checkpointHeader, checkpointHeader+len(p.Note))
	row[0] = checkpointVersion
	binary.BigEndian.PutUint64(row[1:], uint64(p.At.UnixMilli()))
	return append(row, p.Note...)
}

func decodePublished(row []byte) (*Published, error) {
	if len(row) < checkpointHeader || row[0] != checkpointVersion {
		return nil, errCheckpointRow
	}
	at := binary.BigEndian.Uint64(row[1:])
	if at > uint64(1)<<62 {
		return nil, errCheckpointRow
	}
	note := append([]byte(nil), row[checkpointHeader:]...)
	text, _, err := proof.ParseNote(note)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCheckpointRow, err)
	}
	c, err := proof.ParseCheckpoint(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCheckpointRow, err)
	}
	return &Published{Checkpoint: c, Note: note, At: time.UnixMilli(int64(at))}, nil
}

// loadPublished reads a row; nil means that nothing was published yet.
func (s *logStore) loadPublished(name string) (*Published, error) {
	row, err := s.read(nameKey(nodeGroup, kindCheckpoint, name))
	if err != nil || row == nil {
		return nil, err
	}
	return decodePublished(row)
}

func (s *logStore) storePublished(name string, p *Published) error {
	b := s.db.NewBatch()
	if err := b.Set(nameKey(nodeGroup, kindCheckpoint, name), p.encode(), nil); err != nil {
		return errors.Join(err, b.Close())
	}
	s.commit("record a checkpoint", b)
	return b.Close()
}
