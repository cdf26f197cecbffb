package ledger_test

import (
	"crypto/sha256"

	"indelible/ledger/entry"
	"indelible/proof"
)

// naiveRoot is the Merkle tree hash of RFC 6962 section 2.1, as it is defined
// there.
func naiveRoot(leaves []proof.Hash) proof.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := naiveRoot(leaves[:k]), naiveRoot(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// hashes are the leaf hashes of the oracle's log.
func (o *oracle) hashes() []proof.Hash {
	hashes := make([]proof.Hash, len(o.log))
	for i, e := range o.log {
		hashes[i] = leafHash(e.time, e.s)
	}
	return hashes
}

func leafHash(time uint64, s *entry.Statement) proof.Hash {
	leaf, err := s.Leaf(time)
	if err != nil {
		panic(err)
	}
	return sha256.Sum256(append([]byte{0}, leaf...))
}
