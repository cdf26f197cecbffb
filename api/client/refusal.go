package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/proof"
)

// incidentNumber is the one thing that only a node's text can say of a fault of its
// own: the number under which its operator finds it.
var incidentNumber = regexp.MustCompile(` Incident ([0-9a-f]{16})\.$`)

// InOurWords puts a node's refusal into our words: its text could hold anything, so
// for a code we know ours is taken. What the node says about trying again is kept.
func InOurWords(message *indeliblev1.Refusal) *entry.Refusal {
	code := entry.Code(message.GetCode())
	meaning, ok := Meaning(code)
	if !ok {
		if !plainCode(message.GetCode()) {
			code = "UNKNOWN_CODE"
		}
		return &entry.Refusal{Code: code, Text: "The node gave a reason this program does not know.", Retryable: message.GetRetryable()}
	}
	refusal := &entry.Refusal{Code: code, Text: meaning.Happened, Retryable: message.GetRetryable()}
	if number := incidentNumber.FindString(message.GetText()); number != "" && code == wire.CodeIncident {
		refusal.Text += number
	}
	return refusal
}

// plainCode says that a code may be shown: it could be any text.
func plainCode(code string) bool {
	for _, c := range []byte(code) {
		if (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return code != "" && len(code) <= 40
}

// Meaning returns what a code means in words of this program: what happened, what
// was not done, what to do next.
func Meaning(code entry.Code) (wire.Row, bool) { return wire.Meaning(code) }

// Refused is a statement the log will not take because its subject is erased, and
// the node's signed word for it. The openings are to be destroyed; this is what may
// be kept.
type Refused struct {
	Statement *entry.Statement
	Code      entry.Code
	At        uint64         // when it arrived here, Unix milliseconds, by this machine's clock
	Node      entry.AuthorID // who says so
	NodeAt    uint64         // the node's clock, Unix milliseconds
	Signature []byte         // Ed25519, or ECDSA P-256 in ASN.1 over SHA-256
}

// Verify checks the node's signature under its author key, which stands in the
// log's genesis or in a node entry.
func (r *Refused) Verify(node *entry.PublicKey) error {
	if node.Author() != r.Node {
		return errors.New("client: the refusal is by another node")
	}
	message := wire.RefusalBytes(entry.LogID(r.Statement.LogID()), r.Statement.ID(), r.NodeAt, r.Code)
	valid := false
	switch key := node.Key().(type) {
	case ed25519.PublicKey:
		valid = ed25519.Verify(key, message, r.Signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		valid = ecdsa.VerifyASN1(key, digest[:], r.Signature)
	}
	if !valid {
		return errors.New("client: the refusal's signature is wrong")
	}
	return nil
}

// readErased completes an outcome SUBJECT_ERASED. It makes a caller destroy
// something and therefore counts only under a node's signature.
func (c *Client) readErased(ctx context.Context, own *Signed, answer *indeliblev1.Outcome, o *Outcome) error {
	if o.Refusal == nil || o.Refusal.Code != entry.CodeSubjectErased {
		return nil
	}
	erased, err := c.signedRefusal(ctx, own.Statement, answer)
	if errors.Is(err, ErrAnswer) {
		*o = Outcome{Doubt: err}
		return nil
	}
	o.Erased = erased
	return err
}

// signedRefusal reads and checks a node's signed refusal.
func (c *Client) signedRefusal(ctx context.Context, s *entry.Statement, answer *indeliblev1.Outcome) (*Refused, error) {
	word := answer.GetSignedRefusal()
	if len(word.GetNode()) != entry.HashSize || len(word.GetSignature()) > 255 {
		return nil, fmt.Errorf("%w: the refusal is not signed", ErrAnswer)
	}
	r := &Refused{
		Statement: s, Code: entry.CodeSubjectErased, At: uint64(c.cfg.Now().UnixMilli()),
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
	answer, err := call(ctx, c, "", &indeliblev1.GetLogRequest{}, services.GetLog)
	if err != nil {
		return nil, err
	}
	keys, err := genesisKeys(answer.GetGenesisLeaf(), c.cfg.Policy.LogID())
	if err != nil {
		return nil, fmt.Errorf("%w: genesis: %w", ErrAnswer, err)
	}
	c.mu.Lock()
	c.keys = keys
	c.mu.Unlock()
	return keys, nil
}

func genesisKeys(leaf []byte, log [32]byte) (map[entry.AuthorID]*entry.PublicKey, error) {
	if proof.LeafHash(leaf) != log {
		return nil, errors.New("of another log")
	}
	_, raw, err := entry.ParseLeaf(leaf)
	if err != nil {
		return nil, err
	}
	statement, err := entry.Parse(raw)
	if err != nil {
		return nil, err
	}
	genesis, ok := statement.Body.(*entry.Genesis)
	if !ok {
		return nil, errors.New("no genesis")
	}
	keys := map[entry.AuthorID]*entry.PublicKey{}
	for _, n := range genesis.Nodes {
		key, err := entry.ParsePublicKey(n.AuthorKey)
		if err != nil {
			return nil, err
		}
		keys[key.Author()] = key
	}
	return keys, nil
}
