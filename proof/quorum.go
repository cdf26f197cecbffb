package proof

import (
	"fmt"
	"math"
)

// Verified is what a checkpoint that met a policy establishes.
type Verified struct {
	Checkpoint Checkpoint
	CosignedBy []string // key names of the pinned cosigners that signed, in the policy's order
	Earliest   uint64   // smallest time a cosigner stated, Unix seconds; 0 without cosigners
	Latest     uint64   // largest such time
}

// VerifyCheckpoint checks a signed checkpoint: origin, size bounds, the log's
// signature, every signature by a pinned cosigner, and the quorum. Signatures
// by others are ignored; one wrong signature in the name of a pinned key
// refuses the note as a whole.
func (p *Policy) VerifyCheckpoint(note []byte) (Verified, error) {
	c, err := parseCheckpointNote(note)
	if err != nil {
		return Verified{}, err
	}
	return p.verify(c)
}

func (p *Policy) verify(c *checkpointNote) (Verified, error) {
	if c.Origin != p.log.name {
		return Verified{}, ErrOrigin
	}
	if c.Size < p.spec.From || p.spec.To != 0 && c.Size > p.spec.To {
		return Verified{}, fmt.Errorf("size %d: %w", c.Size, ErrSizeBounds)
	}
	if err := p.verifyLog(c); err != nil {
		return Verified{}, err
	}
	v := Verified{Checkpoint: c.Checkpoint, Earliest: math.MaxUint64}
	signed := make(map[string]bool) // policy names of those who signed
	for i, k := range p.keys {
		at := c.signature(k)
		if at == nil {
			continue
		}
		unixSeconds, err := k.Verify(c.Checkpoint, *at)
		if err != nil {
			return Verified{}, err
		}
		signed[p.spec.Witnesses[i].Name] = true
		v.CosignedBy = append(v.CosignedBy, k.name)
		v.Earliest, v.Latest = min(v.Earliest, unixSeconds), max(v.Latest, unixSeconds)
	}
	if !p.quorum(signed) {
		return Verified{}, fmt.Errorf("%d of %d pinned cosigners signed: %w", len(v.CosignedBy), len(p.keys), ErrQuorum)
	}
	if len(v.CosignedBy) == 0 {
		v.Earliest = 0
	}
	return v, nil
}

func (p *Policy) verifyLog(c *checkpointNote) error {
	sig := c.signature(p.log)
	if sig == nil {
		return fmt.Errorf("no signature by the log: %w", ErrSignature)
	}
	_, err := p.log.Verify(c.Checkpoint, *sig)
	return err
}

// quorum folds the groups in order; each refers only to names before it.
func (p *Policy) quorum(signed map[string]bool) bool {
	if p.spec.Quorum == quorumNone {
		return true
	}
	for _, g := range p.spec.Groups {
		have := 0
		for _, m := range g.Members {
			if signed[m] {
				have++
			}
		}
		if have >= g.Threshold {
			signed[g.Name] = true
		}
	}
	return signed[p.spec.Quorum]
}
