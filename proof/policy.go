package proof

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Limits of a policy. C2SP tlog-policy asks for at least 32 of each.
const (
	MaxWitnesses = 64      // witnesses, and groups, of a policy
	MaxPolicy    = 1 << 20 // bytes of a policy file
	maxPolicyURL = 2048    // bytes
)

// quorumNone is the quorum that any checkpoint signed by the log meets.
const quorumNone = "none"

// PolicySpec says in full what a policy demands of a checkpoint.
type PolicySpec struct {
	LogID     [32]byte        // leaf hash of index 0: the aud that statements must name
	From, To  uint64          // tree sizes covered, both inclusive; To 0 means no upper bound
	LogVKey   string          // the log's Ed25519 key; its name is the origin
	LogURL    string          // where the log answers; may be empty
	Witnesses []PolicyWitness // cosigners that may count, one for each node
	Groups    []PolicyGroup   // each counts witnesses and groups before it
	Quorum    string          // a witness or group that must have signed, or "none"
}

// PolicyWitness is a cosigner under the name the policy calls it by. That name
// need not be the key's own.
type PolicyWitness struct {
	Name string
	VKey string // Ed25519 or ML-DSA-44 cosigner key
	URL  string // may be empty
}

// PolicyGroup has signed when at least Threshold of its members have.
type PolicyGroup struct {
	Name      string
	Threshold int      // 1 … number of members
	Members   []string // witnesses, or groups that stand before this one
}

// Policy decides which checkpoints of one log are to be trusted. It does not
// change and may be used by many goroutines.
type Policy struct {
	spec PolicySpec
	log  *Key
	keys []*Key // of the witnesses, in order
}

// NewPolicy checks a specification. Beyond C2SP tlog-policy it demands exactly
// one log, and that no node can count twice: no two witnesses share a key or a
// key name, and none signs with the log's own key, which every node holds.
func NewPolicy(spec PolicySpec) (*Policy, error) {
	p := &Policy{spec: spec.clone()}
	log, err := ParseVKey(spec.LogVKey)
	if err != nil {
		return nil, fmt.Errorf("policy: log key: %w", err)
	}
	if log.typ != KeyLog {
		return nil, fmt.Errorf("policy: log key is not an Ed25519 log key: %w", ErrKey)
	}
	p.log = log
	for _, check := range []func() error{p.checkBounds, p.addWitnesses, p.checkGroups} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	return p, nil
}

func (s PolicySpec) clone() PolicySpec {
	s.Witnesses = append([]PolicyWitness(nil), s.Witnesses...)
	groups := make([]PolicyGroup, 0, len(s.Groups))
	for _, g := range s.Groups {
		g.Members = append([]string(nil), g.Members...)
		groups = append(groups, g)
	}
	s.Groups = groups
	return s
}

func (p *Policy) checkBounds() error {
	s := &p.spec
	switch {
	case s.From > MaxSize || s.To > MaxSize:
		return fmt.Errorf("size bound above 2^63-1: %w", ErrTooLarge)
	case s.To != 0 && s.To < s.From:
		return fmt.Errorf("sizes end before they begin: %w", ErrPolicy)
	case len(s.Witnesses) > MaxWitnesses || len(s.Groups) > MaxWitnesses:
		return fmt.Errorf("more than %d witnesses or groups: %w", MaxWitnesses, ErrTooLarge)
	}
	return validURL(s.LogURL)
}

func (p *Policy) addWitnesses() error {
	names, keyNames := make(map[string]bool), make(map[string]bool)
	publics := map[string]bool{string(p.log.public): true}
	for i, w := range p.spec.Witnesses {
		k, err := ParseVKey(w.VKey)
		if err != nil {
			return fmt.Errorf("witness %d: %w", i+1, err)
		}
		switch {
		case k.typ == KeyLog:
			return fmt.Errorf("witness %d has a log key: %w", i+1, ErrKey)
		case names[w.Name]:
			return fmt.Errorf("witness %d has a name used before: %w", i+1, ErrPolicy)
		case publics[string(k.public)]:
			return fmt.Errorf("witness %d has a key used before: %w", i+1, ErrPolicy)
		case keyNames[k.name]:
			return fmt.Errorf("witness %d is a node that counts already: %w", i+1, ErrPolicy)
		}
		if err := errors.Join(validPolicyName(w.Name), validURL(w.URL)); err != nil {
			return fmt.Errorf("witness %d: %w", i+1, err)
		}
		names[w.Name], keyNames[k.name], publics[string(k.public)] = true, true, true
		p.keys = append(p.keys, k)
	}
	return nil
}

func (p *Policy) checkGroups() error {
	known := make(map[string]bool) // names defined so far
	for _, w := range p.spec.Witnesses {
		known[w.Name] = true
	}
	member := make(map[string]bool)
	for i, g := range p.spec.Groups {
		if err := validPolicyName(g.Name); err != nil {
			return fmt.Errorf("group %d: %w", i+1, err)
		}
		if known[g.Name] {
			return fmt.Errorf("group %d has a name used before: %w", i+1, ErrPolicy)
		}
		if g.Threshold < 1 || g.Threshold > len(g.Members) {
			return fmt.Errorf("group %d asks for %d of %d members: %w", i+1, g.Threshold, len(g.Members), ErrPolicy)
		}
		for _, m := range g.Members {
			if !known[m] || member[m] {
				return fmt.Errorf("group %d has a member not defined before, or counted already: %w", i+1, ErrPolicy)
			}
			member[m] = true
		}
		known[g.Name] = true
	}
	if p.spec.Quorum != quorumNone && !known[p.spec.Quorum] {
		return fmt.Errorf("quorum names nothing defined: %w", ErrPolicy)
	}
	return nil
}

// LogID is the identity of the log the policy speaks of: the leaf hash of its
// genesis statement.
func (p *Policy) LogID() [32]byte { return p.spec.LogID }

// Origin is the name of the log the policy speaks of.
func (p *Policy) Origin() string { return p.log.name }

// Spec is a copy of what the policy demands.
func (p *Policy) Spec() PolicySpec { return p.spec.clone() }

// PolicyNode is a voter of a log: its name, which is its cosigners' key name,
// and its raw public keys.
type PolicyNode struct {
	Name    string
	Ed25519 ed25519.PublicKey
	MLDSA   []byte // 1,312 bytes; may be nil where only Ed25519 is counted
}

// MajorityPolicy is the policy of a fresh log: any tree that has a leaf, signed
// by the log and cosigned by more than half of its nodes. With mldsa it counts
// ML-DSA-44 cosignatures, otherwise Ed25519 ones; never both, because each node
// has one vote.
func MajorityPolicy(logID [32]byte, origin string, logKey ed25519.PublicKey, nodes []PolicyNode, mldsa bool) (*Policy, error) {
	const group = "majority"
	spec := PolicySpec{LogID: logID, From: 1, LogVKey: LogVKey(origin, logKey), Quorum: group}
	majority := PolicyGroup{Name: group, Threshold: len(nodes)/2 + 1}
	for _, n := range nodes {
		// The prefix keeps a node called "none" or "majority" apart from those words.
		w := PolicyWitness{Name: "node:" + n.Name, VKey: CosignerVKey(n.Name, n.Ed25519)}
		if mldsa {
			w.VKey = MLDSAVKey(n.Name, n.MLDSA)
		}
		spec.Witnesses = append(spec.Witnesses, w)
		majority.Members = append(majority.Members, w.Name)
	}
	spec.Groups = []PolicyGroup{majority}
	return NewPolicy(spec)
}
