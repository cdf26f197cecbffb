//go:build race

package vault

// thinner divides the work of random and exhaustive tests under the race
// detector, which makes each of them many times slower.
const thinner = 6
