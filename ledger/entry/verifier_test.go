package entry

import (
	"crypto"
	"io"
	"strings"
	"sync"
	"testing"

	"indelible/test/seed"
)

// TestVerifierNamesTheBadOnes: whatever mix of good and bad comes in, each gets
// the answer Statement.Verify gives, code and all.
func TestVerifierNamesTheBadOnes(t *testing.T) {
	c := chance{seed.Rand(t)}
	v := NewVerifier(VerifierConfig{Keys: 8, Statements: 16})
	for round := range 30 {
		var stmts []*Statement
		var keys []*PublicKey
		for range 1 + c.IntN(40) {
			s, key := c.judged(t)
			stmts, keys = append(stmts, s), append(keys, key)
		}
		for again := range 2 {
			for i, err := range v.Verify(stmts, keys) {
				if got, want := codeOf(err), codeOf(stmts[i].Verify(keys[i])); got != want {
					t.Fatalf("round %d.%d, statement %d: %q, want %q", round, again, i, got, want)
				}
			}
		}
		if n := v.keys.len(); n > 8 {
			t.Fatalf("%d keys remembered, limit 8", n)
		}
		if n := v.verified.len(); n > 16 {
			t.Fatalf("%d statements remembered, limit 16", n)
		}
	}
}

func codeOf(err error) Code {
	if err == nil {
		return ""
	}
	return err.(*Refusal).Code
}

// judged returns a statement and a key that may or may not be right for it.
func (c chance) judged(t testing.TB) (*Statement, *PublicKey) {
	d, _ := c.draft(t, KindReading)
	signer := c.signer()
	s, key := mustSign(t, d, signer), publicOf(t, signer)
	switch c.IntN(8) {
	case 0: // another key
		return s, publicOf(t, c.signer())
	case 1:
		return s, nil
	case 2: // a flipped signature
		raw := append([]byte(nil), s.Bytes()...)
		raw[len(raw)-1-c.IntN(signatureSize)] ^= 1 << c.IntN(8)
		flipped, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return flipped, key
	case 3: // the algorithm of the other kind of key, properly signed
		f := newForge(t, s, signer)
		other := AlgES256
		if s.Alg == AlgES256 {
			other = AlgEdDSA
		}
		f.header.set(headerAlg, int(other))
		wrong, err := Parse(f.bytes())
		if err != nil {
			t.Fatal(err)
		}
		return wrong, key
	}
	return s, key
}

// TestVerifierRemembersBytesNotIDs: a statement with the id of a verified one
// and another signature is not taken for verified.
func TestVerifierRemembersBytesNotIDs(t *testing.T) {
	c := chance{seed.Rand(t)}
	v := NewVerifier(VerifierConfig{})
	for _, signer := range []crypto.Signer{c.ed25519(), c.p256()} {
		d, _ := c.draft(t, KindReading)
		s, key := mustSign(t, d, signer), publicOf(t, signer)
		if err := v.Verify([]*Statement{s}, []*PublicKey{key})[0]; err != nil {
			t.Fatal(err)
		}
		raw := append([]byte(nil), s.Bytes()...)
		raw[len(raw)-signatureSize] ^= 1
		forged, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if forged.ID() != s.ID() {
			t.Fatal("not the same id: this test tests nothing")
		}
		requireCode(t, v.Verify([]*Statement{forged}, []*PublicKey{key})[0], CodeBadSignature)
		requireCode(t, v.Verify([]*Statement{s}, []*PublicKey{publicOf(t, c.ed25519())})[0], CodeWrongKey)
	}
}

// TestVerifierRemembersNoFailure: what failed is checked again.
func TestVerifierRemembersNoFailure(t *testing.T) {
	c := chance{seed.Rand(t)}
	v := NewVerifier(VerifierConfig{})
	for range 20 {
		s, key := c.judged(t)
		first := v.Verify([]*Statement{s}, []*PublicKey{key})[0]
		if first != nil && v.verified.len() != 0 {
			t.Fatal("a failure was remembered")
		}
		if first == nil && v.verified.len() != 1 {
			t.Fatal("a success was not remembered")
		}
		v = NewVerifier(VerifierConfig{})
	}
}

// TestVerifierConcurrently is for the race detector, and checks the answers.
func TestVerifierConcurrently(t *testing.T) {
	c := chance{seed.Rand(t)}
	v := NewVerifier(VerifierConfig{Keys: 4, Statements: 10})
	var stmts []*Statement
	var keys []*PublicKey
	var want []Code
	for range 24 {
		s, key := c.judged(t)
		stmts, keys, want = append(stmts, s), append(keys, key), append(want, codeOf(s.Verify(key)))
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for round := range 8 {
				from := (worker*5 + round) % 20
				for i, err := range v.Verify(stmts[from:], keys[from:]) {
					if codeOf(err) != want[from+i] {
						t.Errorf("statement %d: %v, want %s", from+i, err, want[from+i])
					}
				}
			}
		})
	}
	group.Wait()
}

// TestRecentForgetsTheUnused: an item in use survives, the rest goes.
func TestRecentForgetsTheUnused(t *testing.T) {
	r := recent[int, int]{limit: 10}
	for i := range 1000 {
		r.put(i, i)
		if r.len() > 10 {
			t.Fatalf("%d items, limit 10", r.len())
		}
		if i > 0 {
			if got, ok := r.get(0); !ok || got != 0 {
				t.Fatalf("item 0 was forgotten after %d", i)
			}
		}
	}
	if _, ok := r.get(500); ok {
		t.Error("item 500 is still there")
	}
	if got, ok := r.get(999); !ok || got != 999 {
		t.Error("the newest item is gone")
	}
}

func TestVerifierOfNothing(t *testing.T) {
	if errs := NewVerifier(VerifierConfig{}).Verify(nil, nil); len(errs) != 0 {
		t.Error("errors about nothing")
	}
}

// TestBatchIsAFunctionOfItsInput: the coefficients are drawn from everything in
// the batch, and from nothing else.
func TestBatchIsAFunctionOfItsInput(t *testing.T) {
	stmts, keys := signedReadings(t, 4, anEd25519)
	draw := func(stmts []*Statement, keys []*PublicKey) string {
		coins := newCoins()
		for i, s := range stmts {
			coins.commit(keys[i].author, s)
		}
		var b strings.Builder
		if _, err := io.Copy(&b, coins.reader()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := draw(stmts, keys)
	if draw(stmts, keys) != first || len(first) != 32 {
		t.Error("the same batch drew other coefficients")
	}
	swapped := []*Statement{stmts[1], stmts[0], stmts[2], stmts[3]}
	if draw(swapped, keys) == first || draw(stmts[:3], keys) == first {
		t.Error("another batch drew the same coefficients")
	}
	changed := *stmts[3]
	changed.sig = append([]byte(nil), changed.sig...)
	changed.sig[63] ^= 1
	if draw([]*Statement{stmts[0], stmts[1], stmts[2], &changed}, keys) == first {
		t.Error("the signature does not take part")
	}
}

// TestAlgorithmFitsKey: a statement that names the algorithm of the other kind
// of key is refused by name, whatever its signature is.
func TestAlgorithmFitsKey(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, signer := range []crypto.Signer{c.ed25519(), c.p256()} {
		d, _ := c.draft(t, KindReading)
		s, key := mustSign(t, d, signer), publicOf(t, signer)
		for _, alg := range []int64{AlgES256, AlgESP256, AlgEdDSA, AlgEd25519} {
			f := newForge(t, s, signer)
			f.header.set(headerAlg, int(alg))
			other, err := Parse(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			want := CodeWrongAlgorithm
			if (key.ecdsa != nil) == (alg == AlgES256 || alg == AlgESP256) {
				want = ""
			}
			if got := codeOf(other.Verify(key)); got != want {
				t.Errorf("algorithm %d under %T: %q, want %q", alg, key.Key(), got, want)
			}
			if got := codeOf(NewVerifier(VerifierConfig{}).Verify([]*Statement{other}, []*PublicKey{key})[0]); got != want {
				t.Errorf("algorithm %d under %T in a batch: %q, want %q", alg, key.Key(), got, want)
			}
		}
	}
}

func (r *recent[K, V]) len() int { return len(r.young) + len(r.old) }
