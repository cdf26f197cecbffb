package state

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// opening is the time in which Open still waits for a database: what is
// fatal then is an error for them, and afterwards the business of Broken.
type opening struct {
	failure *failure
	result  chan opened // the first is what Open returns

	mu   sync.Mutex // guards over
	over bool
}

type opened struct {
	db  *pebble.DB
	err error
}

// open runs pebble.Open in a goroutine of its own: Pebble reports what is fatal
// by a call that must not return, from that goroutine or from one it started,
// and neither may end, or be waited for by, the caller.
func (o Options) open(f *failure) (*pebble.DB, error) {
	op := &opening{failure: f, result: make(chan opened, 1)}
	go func() {
		var got opened
		defer func() { op.finish(got) }()
		defer recoverOpening(&got.err)
		got.db, got.err = pebble.Open(o.Dir, o.pebble(f, op.fatal))
	}()
	got := <-op.result
	return got.db, got.err
}

// finish ends the opening with its first result.
func (op *opening) finish(got opened) bool {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.over {
		return false
	}
	op.over = true
	op.result <- got
	return true
}

func (op *opening) fatal(reason error) {
	if !op.finish(opened{err: reason}) {
		op.failure.note(reason)
	}
}

// recoverOpening turns what Pebble panics with when the disk fails it during
// Open into an error. A fault of the program stays a panic.
func recoverOpening(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		panic(p)
	case error:
		*err = fmt.Errorf("state: storage cannot be opened: %w", p)
	default:
		panic(p)
	}
}
