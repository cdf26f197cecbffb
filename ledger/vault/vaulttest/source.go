package vaulttest

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"indelible/ledger/entry"
)

// Source is seeded randomness that is safe for concurrent use.
type Source struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

// NewSource begins a sequence of its own for each seed.
func NewSource(seed uint64) *Source {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	return &Source{r: rand.NewChaCha8(key)}
}

func (s *Source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

// WantCode demands that an error is a refusal with a code.
func WantCode(tb testing.TB, err error, code entry.Code) {
	tb.Helper()
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		tb.Fatalf("got %v, want a refusal %s", err, code)
	}
}
