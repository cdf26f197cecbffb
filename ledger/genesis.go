package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// founding is the genesis of a log, checked.
type founding struct {
	id        entry.LogID
	leaf      []byte
	statement *entry.Statement
	body      *entry.Genesis
	rules     map[string]entry.JurisdictionRule
}

func foundingOf(leaf []byte, v *entry.Verifier) (founding, error) {
	time, raw, err := entry.ParseLeaf(leaf)
	if err != nil {
		return founding{}, err
	}
	f, err := parseGenesis(raw, v)
	if err == nil && time != f.statement.IssuedAt {
		err = errors.New("ledger: the ledger time of genesis is not its own time")
	}
	return f, err
}

// parseGenesis checks a genesis statement, its signature included.
func parseGenesis(raw []byte, v *entry.Verifier) (founding, error) {
	s, err := entry.Parse(raw)
	if err != nil {
		return founding{}, fmt.Errorf("ledger: genesis: %w", err)
	}
	body, ok := s.Body.(*entry.Genesis)
	if !ok {
		return founding{}, fmt.Errorf("ledger: genesis is of kind %s", s.Kind)
	}
	key, err := entry.ParsePublicKey(body.Registrars[0])
	if err != nil {
		return founding{}, fmt.Errorf("ledger: genesis: %w", err)
	}
	if err := v.Verify([]*entry.Statement{s}, []*entry.PublicKey{key})[0]; err != nil {
		return founding{}, fmt.Errorf("ledger: genesis: %w", err)
	}
	leaf, err := s.Leaf(s.IssuedAt)
	if err != nil {
		return founding{}, fmt.Errorf("ledger: genesis: %w", err)
	}
	f := founding{id: s.LogID(), leaf: leaf, statement: s, body: body, rules: make(map[string]entry.JurisdictionRule)}
	for _, rule := range body.Jurisdictions {
		f.rules[rule.Name] = rule
	}
	return f, nil
}

// same refuses a genesis that founds another log than f did.
func (f *founding) same(raw []byte) error {
	if bytes.Equal(f.statement.Bytes(), raw) {
		return nil
	}
	other := "no log at all"
	if s, err := entry.Parse(raw); err == nil {
		other = "log " + entry.LogID(s.LogID()).String()
	}
	return fmt.Errorf("ledger: the database holds log %s, the genesis given founds %s", f.id, other)
}

func (f *founding) single() bool { return len(f.body.Registrars) == 1 }

// found writes index 0 into an empty database, and makes it durable: which log
// a directory holds must not depend on when the power fails.
func (l *Ledger) found(genesis []byte) (err error) {
	if l.genesis, err = parseGenesis(genesis, l.verifier); err != nil {
		return err
	}
	l.tree = &tree{}
	t := l.begin()
	defer func() { err = errors.Join(err, t.discard()) }()
	t.now = l.genesis.statement.IssuedAt
	if t.append(l.genesis.statement, l.genesis.leaf, standing{}); t.failure != nil {
		return t.failure
	}
	if err := t.commit(state.Applied{}); err != nil {
		return err
	}
	_, err = l.db.Durable()
	return err
}

func (t *tx) effectGenesis(g *entry.Genesis) {
	for _, spki := range g.Registrars {
		t.register(spki, &Author{Role: entry.RoleRegistrar, Everywhere: true})
	}
	for _, spki := range g.Operators {
		t.register(spki, &Author{Role: entry.RoleOperator, Everywhere: true})
	}
	for i := range g.Nodes {
		t.admit(&g.Nodes[i], 0, 0)
	}
}

// rootAt is the root of the first size entries, those of this transaction
// included.
func (t *tx) rootAt(size uint64) proof.Hash {
	if root, ok := t.roots[size]; ok {
		return root
	}
	root, err := t.hashes().root(size)
	if err != nil {
		t.fail(err)
		return root
	}
	if t.roots == nil {
		t.roots = make(map[uint64]proof.Hash)
	}
	t.roots[size] = root
	return root
}
