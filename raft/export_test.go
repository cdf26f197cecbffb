package raft

// Poison commits an entry that no version of this program knows.
func (n *Node) Poison() error {
	return n.global.raft.Load().Apply([]byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, enqueueTimeout).Error()
}

// ErrClock and others are reasons tests of the package from outside look for.
var (
	ErrClock     = errClock
	ErrDiskHangs = errDiskHangs
	ErrStranger  = errStranger
)
