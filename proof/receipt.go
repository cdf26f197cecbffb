package proof

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// MaxReceipt bounds a receipt file, in bytes: a note and the lines before it.
const MaxReceipt = MaxNote + 4096

// The lines of a receipt file (C2SP tlog-proof) in their order.
const (
	receiptMagic = "c2sp.org/tlog-proof@v1\n"
	receiptExtra = "extra "
	receiptIndex = "index "
)

// Receipt proves that a statement stands at an index of a log. It does not
// contain the statement. As a file it is C2SP tlog-proof, version 1, with the
// extension .tlog-proof.
type Receipt struct {
	Index      uint64 // position of the entry, from 0
	LedgerTime uint64 // when it was ordered, Unix ms; untrusted until the path reaches the root
	Path       []Hash // inclusion proof, the leaf's sibling first
	Checkpoint []byte // signed note, verbatim
}

// Marshal is the receipt as a .tlog-proof file. The extra line carries the
// ledger time, without which the leaf cannot be rebuilt.
func (r *Receipt) Marshal() []byte {
	var b bytes.Buffer
	b.WriteString(receiptMagic)
	b.WriteString(receiptExtra + base64.StdEncoding.EncodeToString(encodeExtra(r.LedgerTime)) + "\n")
	b.WriteString(receiptIndex + strconv.FormatUint(r.Index, 10) + "\n")
	for _, h := range r.Path {
		b.WriteString(h.base64() + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return b.Bytes()
}

// ParseReceipt reads a receipt file. It accepts exactly what Marshal writes of
// a receipt whose path has the length that index and checkpoint demand; it
// looks at no root and no signature.
func ParseReceipt(file []byte) (*Receipt, error) {
	if len(file) > MaxReceipt {
		return nil, fmt.Errorf("receipt of %d bytes, at most %d allowed: %w", len(file), MaxReceipt, ErrTooLarge)
	}
	at := bytes.Index(file, []byte("\n\n"))
	if at < 0 {
		return nil, fmt.Errorf("receipt has no checkpoint: %w", ErrEncoding)
	}
	r, err := parseReceiptHead(string(file[:at+1]))
	if err != nil {
		return nil, err
	}
	r.Checkpoint = append([]byte(nil), file[at+2:]...)
	if _, err := r.structure(); err != nil {
		return nil, err
	}
	return r, nil
}

func parseReceiptHead(head string) (*Receipt, error) {
	lines := strings.SplitAfterN(head, "\n", 3+MaxPath+2)
	if len(lines) < 4 || len(lines) > 3+MaxPath+1 || lines[0] != receiptMagic {
		return nil, fmt.Errorf("receipt does not begin as a tlog-proof of at most %d hashes: %w", MaxPath, ErrEncoding)
	}
	extra, err := lineAfter(lines[1], receiptExtra)
	if err != nil {
		return nil, err
	}
	raw, err := parseBase64(extra)
	if err != nil {
		return nil, fmt.Errorf("receipt extra: %w", err)
	}
	var r Receipt
	if r.LedgerTime, err = decodeExtra(raw); err != nil {
		return nil, fmt.Errorf("receipt extra: %w", err)
	}
	index, err := lineAfter(lines[2], receiptIndex)
	if err != nil {
		return nil, err
	}
	if r.Index, err = parseNumber(index); err != nil {
		return nil, fmt.Errorf("receipt index: %w", err)
	}
	for i, line := range lines[3 : len(lines)-1] { // the last is what follows the final line feed
		h, err := parseHash(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("receipt hash %d: %w", i+1, err)
		}
		r.Path = append(r.Path, h)
	}
	return &r, nil
}

func lineAfter(line, keyword string) (string, error) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), keyword)
	if !ok {
		return "", fmt.Errorf("receipt lacks its %q line: %w", strings.TrimSpace(keyword), ErrEncoding)
	}
	return rest, nil
}

// structure checks everything about a receipt that needs neither the statement
// nor a policy.
func (r *Receipt) structure() (*checkpointNote, error) {
	c, err := parseCheckpointNote(r.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if err := inclusionShape(r.Index, c.Size, len(r.Path)); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return c, nil
}

// Statement is what the user holds and wants proved: package ledger/entry has
// it. Leaf rebuilds the log's bytes of it as ordered at a ledger time (Unix
// ms); LogID is the log it was signed for.
type Statement interface {
	Leaf(ledgerTime uint64) ([]byte, error)
	LogID() [32]byte
}

// Proven is what a receipt that verified establishes: the statement is in the
// log, at this index, ordered at this time, as of this checkpoint.
type Proven struct {
	Verified
	Index      uint64 // position in the log, from 0
	LedgerTime uint64 // when the log ordered it, Unix ms
	Leaf       Hash   // leaf hash of the statement
}

// Verify checks a receipt against the statement in the user's hands. In order:
// the statement names the policy's log; the receipt is well formed; the leaf
// built from the statement reaches the checkpoint's root; and the checkpoint
// meets the policy. An error wraps one of the reasons in errors.go, or is that
// of s.Leaf.
func Verify(p *Policy, s Statement, r *Receipt) (*Proven, error) {
	return prove(p, s, r, p.verify)
}

// prove checks a receipt; verify looks at the signatures of its checkpoint.
func prove(p *Policy, s Statement, r *Receipt, verify func(*checkpointNote) (Verified, error)) (*Proven, error) {
	leaf, c, err := included(p, s, r)
	if err != nil {
		return nil, err
	}
	v, err := verify(c)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return &Proven{Verified: v, Index: r.Index, LedgerTime: r.LedgerTime, Leaf: leaf}, nil
}

// included does what needs no signature. The policy's origin is compared here
// too: it costs nothing and tells the reader more than a wrong signature.
func included(p *Policy, s Statement, r *Receipt) (Hash, *checkpointNote, error) {
	if s.LogID() != p.spec.LogID {
		return Hash{}, nil, ErrLogID
	}
	c, err := r.structure()
	if err != nil {
		return Hash{}, nil, err
	}
	leaf, err := s.Leaf(r.LedgerTime)
	if err != nil {
		return Hash{}, nil, fmt.Errorf("rebuild leaf: %w", err)
	}
	hash := LeafHash(leaf)
	if err := VerifyInclusion(hash, r.Index, c.Size, r.Path, c.Root); err != nil {
		return Hash{}, nil, fmt.Errorf("receipt: %w", err)
	}
	return hash, c, nil
}
