package logcheck

import (
	"context"
	"errors"
	"slices"

	"indelible/ledger/entry"
	"indelible/proof"
)

var (
	errTime    = errors.New("ledger time goes back")
	errKey     = errors.New("signed by a key the log has not enrolled")
	errGenesis = errors.New("not the genesis the policy names")
	errLog     = errors.New("signed for another log")
)

// entries recomputes the leaf hashes of one bundle and checks every statement
// in it.
func (c *checking) entries(ctx context.Context, tile proof.Tile) ([]proof.Hash, error) {
	tile.Level = proof.EntriesLevel
	leaves, raw, err := fetchTile(ctx, c.cfg.Source, tile, proof.ParseBundle)
	if err != nil {
		return nil, err
	}
	first := tile.Index * proof.TileWidth
	if err := c.statements(first, leaves); err != nil {
		return nil, err
	}
	hashes := make([]proof.Hash, len(leaves))
	kept := 0
	for i, leaf := range leaves {
		hashes[i] = proof.LeafHash(leaf)
		kept += len(leaf) + 2
	}
	return hashes, c.keep(tile.Path(), raw[:kept])
}

// statements parses the statements of a bundle, learns the keys they enrol, and
// verifies all signatures at once. A key is known from its own entry on; within
// a bundle the order is kept because learning goes in order.
func (c *checking) statements(first uint64, leaves [][]byte) error {
	list := make([]*entry.Statement, len(leaves))
	keys := make([]*entry.PublicKey, len(leaves))
	for i, leaf := range leaves {
		index := first + uint64(i)
		s, at, err := c.statement(leaf)
		if err != nil {
			return &Fault{Index: index, Step: "read the entry", Err: err}
		}
		if index == 0 {
			err = c.registry.genesis(s, at)
		}
		if keys[i] = c.registry.keys[s.Author]; err == nil && keys[i] == nil {
			err = errKey
		}
		if err == nil {
			err = c.registry.learn(s)
		}
		if err != nil {
			return &Fault{Index: index, Step: "check the author", Err: err}
		}
		list[i] = s
		c.report.Kinds[s.Kind]++
		if c.cfg.Each != nil {
			if err := c.cfg.Each(index, at, s); err != nil {
				return err
			}
		}
	}
	for i, err := range c.registry.verifier.Verify(list, keys) {
		if err != nil {
			return &Fault{Index: first + uint64(i), Step: "verify the signature", Err: err}
		}
	}
	return nil
}

func (c *checking) statement(leaf []byte) (*entry.Statement, uint64, error) {
	at, raw, err := entry.ParseLeaf(leaf)
	if err != nil {
		return nil, 0, err
	}
	if at < c.time {
		return nil, 0, errTime
	}
	c.time = at
	s, err := entry.Parse(raw)
	if err != nil {
		return nil, 0, err
	}
	if s.LogID() != c.cfg.Policy.LogID() {
		return nil, 0, errLog
	}
	return s, at, nil
}

// cached statements need no remembering: each is seen once.
const (
	verifierKeys       = 4096
	verifierStatements = 1
)

// registry is the keys a log has enrolled, by author id.
type registry struct {
	keys     map[entry.AuthorID]*entry.PublicKey
	verifier *entry.Verifier
}

func newRegistry() *registry {
	return &registry{
		keys:     map[entry.AuthorID]*entry.PublicKey{},
		verifier: entry.NewVerifier(entry.VerifierConfig{Keys: verifierKeys, Statements: verifierStatements}),
	}
}

// genesis checks that index 0 is the log the policy pins, and takes its keys.
func (r *registry) genesis(s *entry.Statement, at uint64) error {
	body, ok := s.Body.(*entry.Genesis)
	if !ok || at != s.IssuedAt {
		return errGenesis
	}
	keys := slices.Concat(body.Registrars, body.Operators)
	for _, node := range body.Nodes {
		keys = append(keys, node.AuthorKey)
	}
	return r.add(keys...)
}

// learn takes the keys a statement brings: enrolments, and nodes.
func (r *registry) learn(s *entry.Statement) error {
	switch body := s.Body.(type) {
	case *entry.AuthorChange:
		if body.Action == entry.AuthorEnrol {
			return r.add(body.Key)
		}
	case *entry.NodeChange:
		return r.add(body.Node.AuthorKey)
	}
	return nil
}

func (r *registry) add(keys ...[]byte) error {
	for _, spki := range keys {
		key, err := entry.ParsePublicKey(spki)
		if err != nil {
			return err
		}
		r.keys[key.Author()] = key
	}
	return nil
}
