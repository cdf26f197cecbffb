package proof

import "slices"

// rememberedNotes bounds the checkpoints a Verifier remembers. Receipts that
// arrive together share the newest one or two.
const rememberedNotes = 8

// Verifier checks many receipts under one policy and looks at the signatures
// of each checkpoint once, for as long as it is among the newest few. It
// answers as Verify does. Not for use by several goroutines at a time.
type Verifier struct {
	policy *Policy
	notes  [rememberedNotes]struct {
		note     string // whole signed note; "" while unused
		verified Verified
	}
	next int // which of notes is replaced next
}

// NewVerifier makes a Verifier that remembers nothing yet.
func NewVerifier(p *Policy) *Verifier { return &Verifier{policy: p} }

// Verify checks a receipt against the statement in the user's hands, as the
// function Verify does.
func (v *Verifier) Verify(s Statement, r *Receipt) (*Proven, error) {
	return prove(v.policy, s, r, func(c *checkpointNote) (Verified, error) { return v.checkpoint(string(r.Checkpoint), c) })
}

// checkpoint compares whole notes, not hashes of them: what is remembered is
// that these very bytes were accepted.
func (v *Verifier) checkpoint(note string, c *checkpointNote) (Verified, error) {
	for i := range v.notes {
		if v.notes[i].note == note {
			known := v.notes[i].verified
			known.CosignedBy = slices.Clone(known.CosignedBy)
			return known, nil
		}
	}
	verified, err := v.policy.verify(c)
	if err != nil {
		return Verified{}, err
	}
	v.notes[v.next].note, v.notes[v.next].verified = note, verified
	v.next = (v.next + 1) % rememberedNotes
	return verified, nil
}
