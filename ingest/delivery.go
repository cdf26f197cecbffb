package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// deliverAll sends what waits until nothing does and the source is at its end.
func (j *Job) deliverAll(ctx context.Context) error {
	for {
		if err := j.cfg.Spool.purge(false); err != nil {
			return err
		}
		wake := j.cfg.Spool.wake()
		if j.over() {
			j.cfg.Spool.notify() // the other senders see it too
			return nil
		}
		sent, next, err := j.deliverSome(ctx)
		if err != nil {
			return err
		}
		if sent {
			continue
		}
		if err := j.idle(ctx, next, wake); err != nil {
			return err
		}
	}
}

// deliverSome sends one batch of the first jurisdiction that has one due.
func (j *Job) deliverSome(ctx context.Context) (sent bool, next time.Time, err error) {
	for _, jurisdiction := range j.cfg.Spool.jurisdictions() {
		if due := j.deliveryDue(jurisdiction); due.After(j.cfg.Now()) {
			next = earlier(next, due)
			continue
		}
		list, due, err := j.cfg.Spool.take(jurisdiction, j.cfg.Batch, batchBytes)
		if err != nil {
			return false, time.Time{}, err
		}
		if len(list) > 0 {
			return true, time.Time{}, j.deliver(ctx, jurisdiction, list)
		}
		next = earlier(next, due)
	}
	return false, next, nil
}

// earlier takes the zero time for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// idle waits until something may be due.
func (j *Job) idle(ctx context.Context, next time.Time, wake <-chan struct{}) error {
	giveUp, reason := j.patience()
	if !giveUp.IsZero() && !j.cfg.Now().Before(giveUp) {
		return reason
	}
	var due <-chan time.Time
	if at := earlier(next, giveUp); !at.IsZero() {
		timer := time.NewTimer(at.Sub(j.cfg.Now()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver sends one batch and lets go what has a final outcome.
func (j *Job) deliver(ctx context.Context, jurisdiction string, list []leased) error {
	signed := make([]*client.Signed, len(list))
	for i, l := range list {
		signed[i] = l.signed
	}
	outcomes, err := j.cfg.Client.Submit(ctx, signed)
	if err != nil {
		j.cfg.Spool.giveBack(list)
		asked, again := client.RetryAfter(err)
		if !again {
			return err
		}
		j.delay(ctx, jurisdiction, asked, err)
		return nil
	}
	j.resume(jurisdiction)
	s := sorted{turn: map[entry.AuthorID]bool{}}
	for i, outcome := range outcomes {
		s.sort(list[i], outcome)
	}
	return j.letGo(ctx, jurisdiction, &s)
}

// sorted is a batch by what becomes of it.
type sorted struct {
	proven  []provenReading
	erased  []leased
	refused []*client.Refused
	dead    []refusedReading
	later   []leased
	turn    map[entry.AuthorID]bool // send newest first
	doubt   error
}

func (s *sorted) sort(l leased, o client.Outcome) {
	switch {
	case o.Proven != nil:
		s.proven = append(s.proven, provenReading{l.pending, o.Proven})
	case o.Refusal == nil:
		s.later = append(s.later, l)
		s.doubt = o.Doubt
	case o.Erased != nil:
		s.erased = append(s.erased, l)
		s.refused = append(s.refused, o.Erased)
	case o.Refusal.Retryable:
		s.later = append(s.later, l)
		s.doubt = o.Refusal
		if o.Refusal.Code == entry.CodeAwaitingUpto {
			s.turn[l.author] = true
		}
	default:
		s.dead = append(s.dead, refusedReading{l, o.Refusal})
	}
}

// letGo makes outcomes durable, in this order: what proves or explains that a
// reading may leave, then that it has left.
func (j *Job) letGo(ctx context.Context, jurisdiction string, s *sorted) error {
	now := j.cfg.Now()
	j.cfg.Spool.postpone(s.later, func(p *pending) time.Time {
		pause := client.Backoff{Attempts: p.attempts}
		p.attempts++
		return now.Add(pause.Next(0))
	})
	for author := range s.turn {
		j.cfg.Spool.turnAround(jurisdiction, author, j.turnDue(author, s.proven))
	}
	j.remark(ctx, s.doubt)
	if err := j.cfg.Spool.leaveProven(s.proven); err != nil {
		return err
	}
	if err := j.forget(s); err != nil {
		return err
	}
	if err := j.leaveRefused(ctx, s.dead); err != nil {
		return err
	}
	j.count(func(sum *Summary, p *Progress) {
		sum.Verified += len(s.proven)
		sum.Erased += len(s.erased)
		sum.Refused += len(s.dead)
		p.Done += len(s.proven) + len(s.erased) + len(s.dead)
		p.Refused += len(s.dead)
	})
	return nil
}

func (j *Job) forget(s *sorted) error {
	if len(s.erased) == 0 {
		return nil
	}
	if err := j.cfg.Receipts.AddRefused(s.refused...); err != nil {
		return err
	}
	// First what joins the subject to its device: were its readings gone before, no
	// later run would hear of the erasure again.
	for _, l := range s.erased {
		if err := j.cfg.Onboarding.forgetAuthor(l.author); err != nil {
			return err
		}
	}
	return j.cfg.Spool.leaveErased(s.erased)
}

func (j *Job) leaveRefused(ctx context.Context, dead []refusedReading) error {
	if len(dead) == 0 {
		return nil
	}
	for _, d := range dead {
		j.cfg.Logger.LogAttrs(ctx, slog.LevelError, "the log refused a reading for good",
			slog.String("statement", d.id.String()), slog.String("code", string(d.refusal.Code)))
	}
	return j.cfg.Spool.leaveRefused(dead)
}

// remark remembers why readings did not leave.
func (j *Job) remark(ctx context.Context, doubt error) {
	if doubt == nil {
		return
	}
	level := slog.LevelDebug
	if errors.Is(doubt, client.ErrAnswer) {
		level = slog.LevelError
	}
	j.cfg.Logger.LogAttrs(ctx, level, "readings stay in the spool", slog.String("reason", doubt.Error()))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.doubt = doubt
}

// turnDue is when the readings of an author that go newest first are due again: at
// once if one of them just got through, for the next may follow it.
func (j *Job) turnDue(author entry.AuthorID, through []provenReading) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range through {
		if s.reading.author == author {
			delete(j.turned, author)
			return time.Time{}
		}
	}
	pause := j.turned[author]
	if pause == nil {
		pause = &client.Backoff{}
		j.turned[author] = pause
	}
	return j.cfg.Now().Add(pause.Next(0))
}

// deliveryDue is when a jurisdiction may be tried again.
func (j *Job) deliveryDue(jurisdiction string) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	if l := j.pauses[jurisdiction]; l != nil {
		return l.due
	}
	return time.Time{}
}

// delay spaces calls to a jurisdiction whose node does not take them.
func (j *Job) delay(ctx context.Context, jurisdiction string, asked time.Duration, reason error) {
	j.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "a batch could not be sent",
		slog.String("jurisdiction", jurisdiction), slog.String("reason", reason.Error()))
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.pauses[jurisdiction]
	if l == nil {
		l = &delivery{}
		j.pauses[jurisdiction] = l
	}
	l.due = j.cfg.Now().Add(l.pause.Next(asked))
	j.doubt = reason
}

// resume ends the pauses of a jurisdiction.
func (j *Job) resume(jurisdiction string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.pauses, jurisdiction)
}
