package ingest

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	proofs "indelible/proof"
)

// refusalDomain begins what a node signs when it refuses for good.
const refusalDomain = "indelible refusal v1\n"

// Refused is a statement the log will not take because its subject is erased, and
// the node's signed word for it. The openings are destroyed; this is what is kept.
type Refused struct {
	Statement *entry.Statement
	Code      entry.Code
	At        uint64         // when it arrived here, Unix ms, by this machine's clock
	Node      entry.AuthorID // who says so
	NodeAt    uint64         // the node's clock, Unix ms
	Signature []byte         // Ed25519, or ECDSA P-256 in ASN.1 over SHA-256
}

// Verify checks the node's signature under its author key, which stands in the
// log's genesis or in a node entry.
func (r *Refused) Verify(node *entry.PublicKey) error {
	if node.Author() != r.Node {
		return errors.New("ingest: the refusal is by another node")
	}
	id := r.Statement.ID()
	log := r.Statement.LogID()
	message := append([]byte(refusalDomain), log[:]...)
	message = append(message, id[:]...)
	message = binary.BigEndian.AppendUint64(message, r.NodeAt)
	message = append(message, r.Code...)
	valid := false
	switch key := node.Key().(type) {
	case ed25519.PublicKey:
		valid = ed25519.Verify(key, message, r.Signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		valid = ecdsa.VerifyASN1(key, digest[:], r.Signature)
	}
	if !valid {
		return errors.New("ingest: the refusal's signature is wrong")
	}
	return nil
}

// signedRefusal reads and checks a node's signed refusal. Without one, nothing is
// destroyed: the reading stays in the spool.
func (c *Client) signedRefusal(ctx context.Context, s *entry.Statement, answer *indeliblev1.Outcome) (*Refused, error) {
	word := answer.GetSignedRefusal()
	if len(word.GetNode()) != entry.HashSize || len(word.GetSignature()) > 255 {
		return nil, fmt.Errorf("%w: the refusal is not signed", ErrAnswer)
	}
	r := &Refused{
		Statement: s, Code: entry.Code(answer.GetRefusal().GetCode()), At: uint64(c.cfg.Now().UnixMilli()),
		Node: entry.AuthorID(word.Node), NodeAt: word.AtMs, Signature: word.Signature,
	}
	keys, err := c.nodeKeys(ctx)
	if err != nil {
		return nil, err
	}
	key := keys[r.Node]
	if key == nil {
		return nil, fmt.Errorf("%w: the refusal is by no node of genesis", ErrAnswer)
	}
	if err := r.Verify(key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return r, nil
}

// nodeKeys returns the author keys of the log's nodes: those of its genesis, which
// is what the pinned identity of the log is the hash of.
func (c *Client) nodeKeys(ctx context.Context) (map[entry.AuthorID]*entry.PublicKey, error) {
	c.mu.Lock()
	known := c.keys
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	answer, err := call(ctx, c, "", &indeliblev1.GetLogRequest{},
		func(n *node) func(context.Context, *connect.Request[indeliblev1.GetLogRequest]) (*connect.Response[indeliblev1.GetLogResponse], error) {
			return n.ledger.GetLog
		})
	if err != nil {
		return nil, err
	}
	if proofs.LeafHash(answer.GenesisLeaf) != c.cfg.Policy.LogID() {
		return nil, fmt.Errorf("%w: genesis of another log", ErrAnswer)
	}
	_, raw, err := entry.ParseLeaf(answer.GenesisLeaf)
	if err != nil {
		return nil, fmt.Errorf("%w: genesis is malformed", ErrAnswer)
	}
	statement, err := entry.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: genesis is malformed", ErrAnswer)
	}
	genesis, ok := statement.Body.(*entry.Genesis)
	if !ok {
		return nil, fmt.Errorf("%w: genesis is malformed", ErrAnswer)
	}
	keys := map[entry.AuthorID]*entry.PublicKey{}
	for _, n := range genesis.Nodes {
		key, err := entry.ParsePublicKey(n.AuthorKey)
		if err != nil {
			return nil, fmt.Errorf("%w: genesis is malformed", ErrAnswer)
		}
		keys[key.Author()] = key
	}
	c.mu.Lock()
	c.keys = keys
	c.mu.Unlock()
	return keys, nil
}
