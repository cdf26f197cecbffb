package proof

import "crypto/sha256"

// A second implementation of trees and proofs, written straight from the
// definitions of RFC 6962 §2.1 and sharing no code with the package: slow,
// recursive, over the leaves themselves.

// naiveRoot is MTH(D[n]).
func naiveRoot(leaves [][]byte) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256([]byte{})
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := naiveSplit(n)
		l, r := naiveRoot(leaves[:k]), naiveRoot(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
}

// naiveSplit is the largest power of two smaller than n.
func naiveSplit(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// naivePath is PATH(m, D[n]), the inclusion proof.
func naivePath(m int, leaves [][]byte) []Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := naiveSplit(len(leaves))
	if m < k {
		return append(naivePath(m, leaves[:k]), naiveRoot(leaves[k:]))
	}
	return append(naivePath(m-k, leaves[k:]), naiveRoot(leaves[:k]))
}

// naiveProof is PROOF(m, D[n]), the consistency proof.
func naiveProof(m int, leaves [][]byte) []Hash {
	if m == 0 {
		return nil
	}
	return naiveSubproof(m, leaves, true)
}

// naiveSubproof is SUBPROOF(m, D[n], b).
func naiveSubproof(m int, leaves [][]byte, known bool) []Hash {
	if m == len(leaves) {
		if known {
			return nil
		}
		return []Hash{naiveRoot(leaves)}
	}
	k := naiveSplit(len(leaves))
	if m <= k {
		return append(naiveSubproof(m, leaves[:k], known), naiveRoot(leaves[k:]))
	}
	return append(naiveSubproof(m-k, leaves[k:], false), naiveRoot(leaves[:k]))
}
