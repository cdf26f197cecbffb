package raft

// Poison commits an entry that no version of this program knows.
func (n *Node) Poison() error {
	return n.global.raft.Load().Apply([]byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, enqueueTimeout).Error()
}

// ForgetTerm makes the node one that has won an election and not yet committed.
func (n *Node) ForgetTerm() { n.global.fold.opened.Store(0) }

// HoldFold keeps the global state machine from folding anything in until the
// returned function is called.
func (n *Node) HoldFold() (release func()) {
	n.global.fold.mu.Lock()
	return n.global.fold.mu.Unlock
}

// HoldCalls keeps the node from beginning or ending to take calls until the
// returned function is called.
func (n *Node) HoldCalls() (release func()) {
	n.mu.Lock()
	return n.mu.Unlock
}

// ErrClock and others are reasons tests of the package from outside look for.
var (
	ErrClock      = errClock
	ErrDiskHangs  = errDiskHangs
	ErrLeftBehind = errLeftBehind
	ErrStranger   = errStranger
)

// FlushLog begins to write the Raft log's newest rows into a table.
func (n *Node) FlushLog() error {
	_, err := n.logs.db.AsyncFlush()
	return err
}
