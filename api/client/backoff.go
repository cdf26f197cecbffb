package client

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	longPause  = 10 * time.Second
	// honouredPause bounds how long a node may make a client wait.
	honouredPause = 30 * time.Second
)

// Backoff spaces repeated calls: pauses from 50 ms doubling up to 10 s, the upper
// half of each random, so that clients that failed together do not come back
// together.
type Backoff struct{ Attempts int }

// Next is the following pause, at least as long as the node asked for, of which at
// most 30 s are honoured.
func (b *Backoff) Next(asked time.Duration) time.Duration {
	pause := longPause
	if b.Attempts < 8 { // 50 ms doubled 8 times is beyond longPause
		pause = min(longPause, firstPause<<b.Attempts)
	}
	b.Attempts++
	pause = pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
	return max(pause, min(asked, honouredPause))
}

// Wait waits for the following pause, or returns the error of ctx when that ends
// first.
func (b *Backoff) Wait(ctx context.Context, asked time.Duration) error {
	timer := time.NewTimer(b.Next(asked))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// milliseconds is what a node asked to wait, as far as it is honoured.
func milliseconds(ms uint64) time.Duration {
	return time.Duration(min(ms, uint64(honouredPause/time.Millisecond))) * time.Millisecond
}
