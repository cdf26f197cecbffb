//go:build !race

package vaulttest

// Thinner divides the work of random and exhaustive tests; see race.go.
const Thinner = 1
