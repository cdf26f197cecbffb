package proof

import "testing"

func BenchmarkVerify(b *testing.B) {
	l := newTestLog(b, "genesis", testOrigin, 1000, 1)
	r := l.receipt(321, 1000, l.nodes...)
	policy := l.policy()
	b.Run("one receipt", func(b *testing.B) {
		for b.Loop() {
			if _, err := Verify(policy, l.records[321], r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("many under one checkpoint", func(b *testing.B) {
		v := NewVerifier(policy)
		for b.Loop() {
			if _, err := v.Verify(l.records[321], r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
