package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"indelible/proof"
)

// statement is one in the user's hands. Package ledger/entry has the real one.
type statement struct {
	log  [32]byte
	text string
}

func (s statement) LogID() [32]byte { return s.log }

func (s statement) Leaf(ledgerTime uint64) ([]byte, error) {
	return append(binary.BigEndian.AppendUint64(nil, ledgerTime), s.text...), nil
}

// orderedAt is when the log of these examples took everything, in Unix ms.
const orderedAt = 1_800_000_000_000

// aLog plays the log: the policy it hands out once, to those who join, and signed
// notes and leaf hashes of two statements.
func aLog(first, second statement) (policy, older, newer []byte, leaves [2]proof.Hash) {
	key := func(seed byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	}
	log, err := proof.NewLogSigner("log.example.org", key(1))
	check(err)
	node, err := proof.NewCosigner("node1", key(2))
	check(err)
	p, err := proof.MajorityPolicy(first.log, log.Name(), key(1).Public().(ed25519.PublicKey),
		[]proof.PolicyNode{{Name: node.Name(), Ed25519: key(2).Public().(ed25519.PublicKey)}}, false)
	check(err)
	tree := proof.NewFrontier()
	var notes [2][]byte
	for i, s := range []statement{first, second} {
		leaf, err := s.Leaf(orderedAt)
		check(err)
		leaves[i] = proof.LeafHash(leaf)
		check(tree.Append(leaves[i]))
		root, err := tree.Root()
		check(err)
		checkpoint := proof.Checkpoint{Origin: log.Name(), Size: tree.Size(), Root: root}
		signed, err := log.Sign(checkpoint)
		check(err)
		cosigned, err := node.Cosign(checkpoint, orderedAt/1000)
		check(err)
		notes[i] = proof.SignNote(checkpoint, signed, cosigned)
	}
	return p.Marshal(), notes[0], notes[1], leaves
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A receipt is checked against the statement in your own hands and the policy you
// got when you joined. Nothing the server says is believed.
func ExampleVerify() {
	mine, other := statement{text: "pulse 61"}, statement{text: "pulse 64"}
	policyFile, _, checkpoint, leaves := aLog(mine, other)
	receiptFile := (&proof.Receipt{Index: 0, LedgerTime: orderedAt, Path: leaves[1:], Checkpoint: checkpoint}).Marshal()

	policy, err := proof.ParsePolicy(policyFile)
	check(err)
	receipt, err := proof.ParseReceipt(receiptFile)
	check(err)
	proven, err := proof.Verify(policy, mine, receipt)
	check(err)
	fmt.Println("entry", proven.Index, "of", proven.Checkpoint.Size, "cosigned by", proven.CosignedBy)

	_, err = proof.Verify(policy, statement{text: "pulse 16"}, receipt)
	fmt.Println(errors.Is(err, proof.ErrRoot))
	// Output:
	// entry 0 of 2 cosigned by [node1]
	// true
}

// A checkpoint that was kept proves later that the log only grew.
func ExampleVerifyGrowth() {
	policyFile, kept, now, leaves := aLog(statement{text: "pulse 61"}, statement{text: "pulse 64"})
	policy, err := proof.ParsePolicy(policyFile)
	check(err)

	path := leaves[1:] // as the log answers it: here the second leaf alone
	fmt.Println(proof.VerifyGrowth(policy, kept, now, path))
	fmt.Println(errors.Is(proof.VerifyGrowth(policy, now, kept, path), proof.ErrShrunk))
	// Output:
	// <nil>
	// true
}

// Whoever reads all entries of a log recomputes its root with a Frontier.
func ExampleFrontier() {
	tree := proof.NewFrontier()
	for _, leaf := range []string{"first", "second", "third"} {
		check(tree.Append(proof.LeafHash([]byte(leaf))))
	}
	root, err := tree.Root()
	check(err)
	fmt.Println(tree.Size(), root.String()[:16])
	// Output:
	// 3 c3651e541714c53d
}

// A hash tile, or an entry bundle, has one path under the log's URL.
func ExampleTile_Path() {
	fmt.Println(proof.Tile{Level: 0, Index: 1067, Width: 5}.Path())
	fmt.Println(proof.Tile{Level: proof.EntriesLevel, Index: 0, Width: proof.TileWidth}.Path())
	// Output:
	// tile/0/x001/067.p/5
	// tile/entries/000
}
