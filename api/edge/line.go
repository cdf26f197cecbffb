package edge

import (
	"context"
	"net/http"
	"time"
)

// Line is the connection under a stream.
type Line struct {
	body    *intake
	control *http.ResponseController
	now     func() time.Time
}

type lineKey struct{}

func withLine(ctx context.Context, on *Line) context.Context {
	return context.WithValue(ctx, lineKey{}, on)
}

// LineOf returns the line of a stream. A stream handler reached without the
// gate is a fault of the program.
func LineOf(ctx context.Context) *Line {
	on, ok := ctx.Value(lineKey{}).(*Line)
	if !ok {
		panic("edge: a stream was reached without passing the gate")
	}
	return on
}

// Patience gives the client of a stream another streamTimeout for its next
// message.
func (l *Line) Patience() error {
	until := l.now().Add(streamTimeout)
	return deadlines(l.control, until, until)
}

// HangUp ends the wait for the client's next message.
func (l *Line) HangUp() error {
	return deadlines(l.control, l.now().Add(-time.Second), l.now().Add(streamTimeout))
}

// HandOver keeps what is counted of the message just received counted until done
// is called.
func (l *Line) HandOver() (done func()) {
	held := l.body.handOver()
	return func() { l.body.drop(held) }
}
