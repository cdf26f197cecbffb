//go:build race

package vaulttest

// Thinner divides the work of random and exhaustive tests under the race
// detector, which makes each of them many times slower.
const Thinner = 6
