//go:build !race

package vault

// thinner divides the work of random and exhaustive tests; see race_test.go.
const thinner = 1
