package api

import (
	"context"
	"net/http"
	"time"
)

// line is the connection under a stream.
type line struct {
	body    *intake
	control *http.ResponseController
	now     func() time.Time
}

type lineKey struct{}

func withLine(ctx context.Context, on *line) context.Context {
	return context.WithValue(ctx, lineKey{}, on)
}

// lineOf returns the line of a stream. A stream handler reached without the
// gate is a fault of the program.
func lineOf(ctx context.Context) *line {
	on, ok := ctx.Value(lineKey{}).(*line)
	if !ok {
		panic("api: a stream was reached without passing the gate")
	}
	return on
}

// patience gives the client of a stream another streamTimeout for its next
// message.
func (l *line) patience() error {
	until := l.now().Add(streamTimeout)
	return deadlines(l.control, until, until)
}

// hangUp ends the wait for the client's next message.
func (l *line) hangUp() error {
	return deadlines(l.control, l.now().Add(-time.Second), l.now().Add(streamTimeout))
}
