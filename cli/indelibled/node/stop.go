package node

import (
	"errors"
	"strings"

	"indelible/cli/say"
	"indelible/raft"
)

// Stopped ends a node whose Run has returned err. What it can no longer trust
// is left as it is: closing would write.
func Stopped(n *Node, err error) error {
	if errors.Is(err, raft.ErrBroken) {
		return &say.Problem{
			Exit: say.ExitRefused, Code: "NODE_STOPPED",
			What:    "the node stopped itself: " + strings.ReplaceAll(err.Error(), "\n", "; "),
			NotDone: "calls under way may have no answer; their statements can be sent again",
			Next:    "look at the disk and the clock, run indelibled fsck, then start the node again", Err: err,
		}
	}
	closing := n.Close()
	if err != nil {
		return errors.Join(err, closing)
	}
	if closing != nil {
		return say.Local(closing, "the node did not stop cleanly", "run indelibled fsck, then start the node again")
	}
	return nil
}
