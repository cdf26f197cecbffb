// Package vaulttest is what the tests of a vault's packages share: a disk that a
// power cut can hit at any sync, randomness from a seed, and an attacker who has
// kept every byte and every key that still exists. The attacker seals, opens and
// reads root files by itself: it imports neither vault nor keytree.
package vaulttest
