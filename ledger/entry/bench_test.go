package entry

import (
	"crypto"
	"fmt"
	"math/rand/v2"
	"testing"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// signedReadings makes n readings by n keys.
func signedReadings(b testing.TB, n int, key func(chance) crypto.Signer) (stmts []*Statement, keys []*PublicKey) {
	c := chance{rand.New(rand.NewPCG(7, 7))}
	for range n {
		d, _ := c.draft(b, KindReading)
		signer := key(c)
		stmts, keys = append(stmts, mustSign(b, d, signer)), append(keys, publicOf(b, signer))
	}
	return stmts, keys
}

func anEd25519(c chance) crypto.Signer { return c.ed25519() }
func aP256(c chance) crypto.Signer     { return c.p256() }

func BenchmarkParse(b *testing.B) {
	for _, kind := range []Kind{KindReading, KindAuthor, KindAccess} {
		b.Run(kind.String(), func(b *testing.B) {
			c := acceptCases(b, kind)[0]
			s := mustSign(b, c.draft, c.key)
			b.SetBytes(int64(len(s.Bytes())))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(s.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for name, key := range map[string]func(chance) crypto.Signer{"Ed25519": anEd25519, "P256": aP256} {
		b.Run(name, func(b *testing.B) {
			c := chance{rand.New(rand.NewPCG(7, 7))}
			d, _ := c.draft(b, KindReading)
			signer := key(c)
			for b.Loop() {
				mustSign(b, d, signer)
			}
		})
	}
}

func BenchmarkVerifySingle(b *testing.B) {
	for name, key := range map[string]func(chance) crypto.Signer{"Ed25519": anEd25519, "P256": aP256} {
		b.Run(name, func(b *testing.B) {
			stmts, keys := signedReadings(b, 1, key)
			b.ReportAllocs()
			for b.Loop() {
				if err := stmts[0].Verify(keys[0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyEdDSA verifies without the memory of statements, with cached
// keys, in batches of a size; ns/op is per statement.
func BenchmarkVerifyEdDSA(b *testing.B) {
	for _, size := range []int{1, 2, 3, 4, 8, 16, 32, 64, 94, 128, 256} {
		stmts, keys := signedReadings(b, size, anEd25519)
		at := make([]int, size)
		for i := range at {
			at[i] = i
		}
		run := func(name string, verify func(v *Verifier, errs []error)) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				v := NewVerifier(VerifierConfig{})
				errs := make([]error, size)
				verify(v, errs)
				b.ResetTimer()
				for i := 0; i < b.N; i += size {
					verify(v, errs)
				}
				for _, err := range errs {
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("batch", func(v *Verifier, errs []error) { v.verifyBatch(stmts, keys, at, errs) })
		if size <= 4 {
			run("single", func(v *Verifier, _ []error) {
				for i, s := range stmts {
					if !voi.VerifyExpandedWithOptions(v.expanded(keys[i]), s.tbs, s.sig, eddsaRules) {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

// BenchmarkVerifyRemembered verifies statements that were verified before.
func BenchmarkVerifyRemembered(b *testing.B) {
	const size = 64
	stmts, keys := signedReadings(b, size, anEd25519)
	v := NewVerifier(VerifierConfig{})
	v.Verify(stmts, keys)
	b.ResetTimer()
	for i := 0; i < b.N; i += size {
		for _, err := range v.Verify(stmts, keys) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
