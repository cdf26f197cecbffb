package raft

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotLeader means the group has its leader elsewhere, or none just now;
	// nothing was proposed. Ask the leader (see *NotLeaderError), or again.
	ErrNotLeader = errors.New("raft: this node does not lead the group")

	// ErrOutcomeUnknown means a command was handed over and may or may not
	// take effect, now or later. Submit the same bytes again: statements are
	// applied once. What was to be released on success must not be released.
	ErrOutcomeUnknown = errors.New("raft: the outcome of the command is not known")

	// ErrStopped means the node is stopping or has stopped; nothing was
	// proposed.
	ErrStopped = errors.New("raft: the node has stopped")

	// ErrUnknownGroup means this node is not placed in that jurisdiction.
	ErrUnknownGroup = errors.New("raft: this node has no such group")

	// ErrTooLarge means one item or command does not fit into MaxCommand.
	ErrTooLarge = errors.New("raft: larger than a command may be")

	// ErrBroken marks every reason for which a node stops by itself. After a
	// Run that returned it the process must end without closing anything:
	// what lies beneath can no longer be trusted to answer.
	ErrBroken = errors.New("raft: the node cannot trust its own state")
)

// Overloaded is the refusal of a full queue. Nothing was proposed.
type Overloaded struct {
	RetryAfter time.Duration // when room is expected, from the recent rate
}

func (o *Overloaded) Error() string {
	return fmt.Sprintf("raft: the queue is full, room is expected in %s", o.RetryAfter)
}

// NotLeaderError is ErrNotLeader with the name of the node to ask instead.
type NotLeaderError struct {
	Leader string // node name; empty while there is no leader
}

func (e *NotLeaderError) Error() string {
	if e.Leader == "" {
		return ErrNotLeader.Error() + "; there is no leader at the moment"
	}
	return ErrNotLeader.Error() + "; the leader is " + e.Leader
}

// Is makes errors.Is(err, ErrNotLeader) true.
func (e *NotLeaderError) Is(target error) bool { return target == ErrNotLeader }

// broken wraps a reason so that callers can tell a node that stopped itself
// from one that was told to stop.
func broken(step string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrBroken, step, err)
}
