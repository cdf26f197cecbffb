package seed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	// Variable names the environment variable that holds a decimal seed above 0.
	Variable = "INDELIBLE_SEED"
	// CountVariable names the one that says how many cases Each gives, instead of
	// as many as are tried when nobody asks for more.
	CountVariable = "INDELIBLE_SEEDS"
)

// Of is the seed of a test that tries something new each time: the one that
// Variable holds, else a random one below a milliard, which is easy to type.
func Of(t testing.TB) uint64 {
	t.Helper()
	seed, set := number(t, Variable)
	if !set {
		seed = 1 + rand.Uint64N(1e9) //nolint:gosec // no secret
	}
	say(t, seed)
	return seed
}

// Rand is a generator seeded with Of.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Of(t), 0)) //nolint:gosec // a test repeats from its seed
}

// Each are the seeds of a test that tries the same n cases each time, from first
// on. If Variable is set there is only that one; CountVariable gives another n.
func Each(t testing.TB, first uint64, n int) []uint64 {
	t.Helper()
	if seed, set := number(t, Variable); set {
		return []uint64{seed}
	}
	if count, set := number(t, CountVariable); set {
		n = int(min(count, 1<<20))
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	t.Logf("seeds %d to %d; for one of them set %s", first, first+uint64(n)-1, Variable)
	return seeds
}

// Given tells whether one seed was asked for: then one case is run, and what a
// test says about all its cases together means nothing.
func Given(t testing.TB) bool {
	t.Helper()
	_, set := number(t, Variable)
	return set
}

func number(t testing.TB, variable string) (n uint64, set bool) {
	t.Helper()
	text, set := os.LookupEnv(variable)
	if !set {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		t.Fatalf("%s=%q is no decimal number from 1 to 2^64-1", variable, text)
	}
	return n, true
}

// say prints the command that runs this test again, as it would be typed at the
// top of the repository.
func say(t testing.TB, seed uint64) {
	t.Helper()
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	t.Logf("again: %s=%d go test -count=1 -run '%s' ./%s", Variable, seed, pattern, folder(t))
}

// folder is where the test runs, from the top of the module.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	below := ""
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module ")) {
			return below
		}
		below = path.Join(filepath.Base(dir), below)
	}
	return fmt.Sprintf("... (no go.mod above %s)", below)
}
