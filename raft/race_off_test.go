//go:build !race

package raft_test

const every = 1
