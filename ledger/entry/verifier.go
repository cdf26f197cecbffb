package entry

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"sync"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// Defaults of VerifierConfig.
const (
	DefaultVerifierKeys       = 8_192  // about 1.7 KiB each
	DefaultVerifierStatements = 65_536 // about 0.2 KiB each
)

// Batches of EdDSA signatures. Measured with cached keys, µs a signature: 33
// alone, 27 in threes, 18 at 64, 13 at 256 and above. maxBatch bounds what one
// bad signature costs, since its batch is then verified one by one.
const (
	minBatch = 3
	maxBatch = 512
)

// VerifierConfig bounds what a Verifier remembers. Zero means the default.
type VerifierConfig struct {
	Keys       int // expanded Ed25519 keys
	Statements int // statements that verified
}

// Verifier verifies statements in batches and remembers which ones verified, so
// that a statement checked at the edge costs nothing when it is applied. It
// answers exactly as Statement.Verify does, on every input. Only successes are
// remembered. It is safe for concurrent use; use one per process.
type Verifier struct {
	mu       sync.Mutex // guards both
	keys     recent[AuthorID, *voi.ExpandedPublicKey]
	verified recent[verifiedKey, struct{}]
}

// verifiedKey names what was verified: every byte of the statement, signature
// included, and the key.
type verifiedKey struct {
	statement [sha256.Size]byte
	author    AuthorID
}

// NewVerifier returns a Verifier that remembers nothing yet.
func NewVerifier(cfg VerifierConfig) *Verifier {
	if cfg.Keys <= 0 {
		cfg.Keys = DefaultVerifierKeys
	}
	if cfg.Statements <= 0 {
		cfg.Statements = DefaultVerifierStatements
	}
	v := &Verifier{}
	v.keys.limit, v.verified.limit = cfg.Keys, cfg.Statements
	return v
}

// Verify checks stmts[i] under keys[i], for every i, and returns an error for
// each that is refused and nil for each that verifies. A nil key is an unknown
// author. The two slices have the same length.
func (v *Verifier) Verify(stmts []*Statement, keys []*PublicKey) []error {
	errs := make([]error, len(stmts))
	names := make([]verifiedKey, len(stmts))
	var eddsa []int
	for i, s := range stmts {
		key := keys[i]
		if errs[i] = s.checkSigner(key); errs[i] != nil {
			continue
		}
		names[i] = verifiedKey{sha256.Sum256(s.raw), key.author}
		switch {
		case v.known(names[i]):
		case key.ecdsa == nil:
			eddsa = append(eddsa, i)
		default:
			errs[i] = verifySign1(key, s.tbs, s.sig)
		}
	}
	for len(eddsa) > 0 {
		n := min(len(eddsa), maxBatch)
		v.verifyEdDSA(stmts, keys, eddsa[:n], errs)
		eddsa = eddsa[n:]
	}
	for i := range stmts {
		if errs[i] == nil {
			v.remember(names[i])
		}
	}
	return errs
}

// verifyEdDSA verifies the statements at the given places.
func (v *Verifier) verifyEdDSA(stmts []*Statement, keys []*PublicKey, at []int, errs []error) {
	if len(at) < minBatch {
		for _, i := range at {
			if !voi.VerifyExpandedWithOptions(v.expanded(keys[i]), stmts[i].tbs, stmts[i].sig, eddsaRules) {
				errs[i] = errBadSignature()
			}
		}
		return
	}
	v.verifyBatch(stmts, keys, at, errs)
}

func (v *Verifier) verifyBatch(stmts []*Statement, keys []*PublicKey, at []int, errs []error) {
	batch := voi.NewBatchVerifierWithCapacity(len(at))
	coins := newCoins()
	for _, i := range at {
		batch.AddExpandedWithOptions(v.expanded(keys[i]), stmts[i].tbs, stmts[i].sig, eddsaRules)
		coins.commit(keys[i].author, stmts[i])
	}
	all, valid := batch.Verify(coins.reader())
	if all {
		return
	}
	for j, i := range at {
		if !valid[j] {
			errs[i] = errBadSignature()
		}
	}
}

// coins make the random coefficients of a batch. They are drawn from a hash of
// everything in it, so that verification is a function of its input and every
// node decides alike; an author of signatures cannot choose them without
// choosing the coefficients anew.
type coins struct{ h hash.Hash }

func newCoins() coins {
	c := coins{sha256.New()}
	c.h.Write([]byte("indelible batch v1"))
	return c
}

func (c coins) commit(author AuthorID, s *Statement) {
	c.h.Write(author[:])
	c.h.Write(s.id[:])
	c.h.Write(s.sig)
}

// reader returns the 32 bytes from which the library seeds its generator.
func (c coins) reader() io.Reader { return bytes.NewReader(c.h.Sum(nil)) }

// expanded returns the key's tables, made at first use.
func (v *Verifier) expanded(key *PublicKey) *voi.ExpandedPublicKey {
	v.mu.Lock()
	e, ok := v.keys.get(key.author)
	v.mu.Unlock()
	if ok {
		return e
	}
	e, err := voi.NewExpandedPublicKey(voi.PublicKey(key.ed25519))
	if err != nil {
		panic("entry: a parsed Ed25519 key cannot be expanded: " + err.Error())
	}
	v.mu.Lock()
	v.keys.put(key.author, e)
	v.mu.Unlock()
	return e
}

func (v *Verifier) known(name verifiedKey) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.verified.get(name)
	return ok
}

func (v *Verifier) remember(name verifiedKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verified.put(name, struct{}{})
}

// recent is a map of at most limit items that forgets those not used for
// longest, a generation at a time: when the young half is full it becomes the
// old half, and what was old is gone. An item used moves to the young half.
type recent[K comparable, V any] struct {
	limit      int
	young, old map[K]V
}

func (r *recent[K, V]) get(key K) (V, bool) {
	if value, ok := r.young[key]; ok {
		return value, true
	}
	value, ok := r.old[key]
	if ok {
		r.put(key, value)
	}
	return value, ok
}

func (r *recent[K, V]) put(key K, value V) {
	if r.young == nil || len(r.young) >= max(r.limit/2, 1) {
		r.old, r.young = r.young, make(map[K]V)
	}
	r.young[key] = value
}
