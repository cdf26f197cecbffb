package proof

import (
	"fmt"
	"strconv"
	"strings"
)

// maxCheckpointText bounds the text of a checkpoint, in bytes: origin, a
// number of 19 digits, a base64 hash, three line feeds.
const maxCheckpointText = MaxName + 19 + 44 + 3

// Checkpoint names one state of one log: its first Size leaves have this root.
type Checkpoint struct {
	Origin string // which log; also the name of its key
	Size   uint64 // number of leaves, at most MaxSize
	Root   Hash   // EmptyRoot when Size is 0
}

// Text is the checkpoint as signed: three lines, no extension lines (C2SP
// tlog-checkpoint). Extensions would be covered by no ML-DSA-44 cosignature.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + c.Root.base64() + "\n"
}

// Validate says why this checkpoint must not be signed.
func (c Checkpoint) Validate() error {
	if err := ValidName(c.Origin); err != nil {
		return fmt.Errorf("checkpoint origin: %w", err)
	}
	if c.Size > MaxSize {
		return fmt.Errorf("checkpoint size above 2^63-1: %w", ErrTooLarge)
	}
	if c.Size == 0 && c.Root != EmptyRoot() {
		return fmt.Errorf("checkpoint of size 0 has another root than the empty tree: %w", ErrRoot)
	}
	return nil
}

// ParseCheckpoint reads the text of a checkpoint, with its final line feed. It
// accepts exactly what Text writes.
func ParseCheckpoint(text string) (Checkpoint, error) {
	if len(text) > maxCheckpointText {
		return Checkpoint{}, fmt.Errorf("checkpoint text of %d bytes, at most %d allowed: %w", len(text), maxCheckpointText, ErrTooLarge)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("checkpoint is not exactly three lines: %w", ErrEncoding)
	}
	size, err := parseNumber(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint root: %w", err)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if err := c.Validate(); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// checkpointNote is a signed checkpoint whose structure holds; its signatures
// have not been looked at.
type checkpointNote struct {
	Checkpoint
	sigs []Signature
}

func parseCheckpointNote(note []byte) (*checkpointNote, error) {
	text, sigs, err := ParseNote(note)
	if err != nil {
		return nil, err
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	return &checkpointNote{Checkpoint: c, sigs: sigs}, nil
}

// signature finds the line in the name of a key: ParseNote lets there be one.
func (n *checkpointNote) signature(k *Key) *Signature {
	for i := range n.sigs {
		if k.Signed(n.sigs[i]) {
			return &n.sigs[i]
		}
	}
	return nil
}
