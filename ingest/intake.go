package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"unicode/utf8"

	"indelible/api/client"
	"indelible/ingest/fhir"
	"indelible/ledger/entry"
)

const (
	// chunkRecords bounds how many records are signed and spooled in one durable write.
	chunkRecords = 256
	// onboardingAtOnce bounds how many new references are registered side by side.
	onboardingAtOnce = 8
	// maxReference bounds a subject reference in bytes: it becomes an identifier.
	maxReference = 256
)

// ErrReferenceNotText says that subject.reference holds half a surrogate pair. No
// request can carry it.
var ErrReferenceNotText = errors.New("subject.reference is not Unicode text")

// ErrReferenceTooLong says that subject.reference is longer than 256 bytes.
var ErrReferenceTooLong = errors.New("subject.reference is longer than 256 bytes")

// observed is one reading of a chunk.
type observed struct {
	reading   Reading
	reference string
}

// chunk is what becomes durable in one write: readings and the position behind them.
type chunk struct {
	readings []observed
	bytes    int
	records  int // of the source, passed over ones included
	skipped  int
	at       Position
	end      bool
}

// readAll takes the source to its end, chunk by chunk.
func (j *Job) readAll(ctx context.Context) error {
	for {
		if err := j.waitForRoom(ctx); err != nil {
			return err
		}
		c, err := j.readChunk(ctx)
		if err != nil {
			return err
		}
		if c.records > 0 {
			if err := j.spoolChunk(ctx, c); err != nil {
				return err
			}
		}
		if c.end {
			j.endOfSource()
			j.cfg.Spool.notify()
			return nil
		}
	}
}

// waitForRoom keeps reading from running far ahead of delivery.
func (j *Job) waitForRoom(ctx context.Context) error {
	for {
		wake := j.cfg.Spool.wake()
		readings, bytes := j.cfg.Spool.Pending()
		if readings < aheadReadings && bytes < aheadBytes {
			return ctx.Err()
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (j *Job) readChunk(ctx context.Context) (*chunk, error) {
	c := &chunk{}
	for c.records < chunkRecords && c.bytes < chunkBytes {
		record, at, err := j.cfg.Source.Next()
		if errors.Is(err, io.EOF) {
			c.end = true
			return c, nil
		}
		var bad *LineError
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		c.at = at
		c.records++
		if bad == nil {
			bad = c.take(record, at)
		}
		if bad != nil {
			c.skipped++
			if j.cfg.Skipped != nil {
				j.cfg.Skipped(bad)
			}
			j.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "a record is no reading of a subject",
				slog.Uint64("line", bad.Line), slog.String("reason", bad.Reason.Error()))
		}
	}
	return c, nil
}

// take cuts one record.
func (c *chunk) take(record []byte, at Position) *LineError {
	reading, reference, err := ObservationReading(record)
	switch {
	case err != nil:
	case reference == "":
		err = fhir.ErrNoSubject
	case len(reference) > maxReference:
		err = ErrReferenceTooLong
	case !utf8.ValidString(reference):
		err = ErrReferenceNotText
	}
	if err != nil {
		return &LineError{Line: at.Line, Reason: err}
	}
	c.readings = append(c.readings, observed{reading, reference})
	c.bytes += len(record)
	return nil
}

// spoolChunk registers who is new, signs, and makes it all durable at once.
func (j *Job) spoolChunk(ctx context.Context, c *chunk) error {
	gone, err := j.onboard(ctx, c)
	if err != nil {
		return err
	}
	position, err := json.Marshal(c.at)
	if err != nil {
		return fmt.Errorf("ingest: journal the position: %w", err)
	}
	batch := Batch{Values: map[string][]byte{j.positionKey(): position}}
	erased := 0
	j.cfg.Spool.signing.Lock()
	defer j.cfg.Spool.signing.Unlock()
	current := map[string]*client.Device{}
	for _, o := range c.readings {
		if gone[o.reference] {
			erased++
			continue
		}
		device := current[o.reference]
		if device == nil {
			if device, err = j.journaledDevice(o.reference); errors.Is(err, errErased) { // just now
				gone[o.reference] = true
				erased++
				continue
			}
			if err != nil {
				return err
			}
			current[o.reference] = device
		}
		signed, err := device.Sign(o.reading.Parts())
		if err != nil {
			return err
		}
		batch.Readings = append(batch.Readings, signed)
		key, state := journaled(device)
		batch.Values[key] = state
	}
	if err := j.commit(ctx, batch); err != nil {
		return err
	}
	j.count(func(s *Summary, p *Progress) {
		s.Readings += len(batch.Readings)
		s.Erased += erased
		s.Skipped += c.skipped
		p.Done += erased + c.skipped
		p.Refused += c.skipped
	})
	return nil
}

// journaledDevice returns a device in its journaled state. What it signed since then
// was never spooled, so it is never sent; what another job let it sign counts.
func (j *Job) journaledDevice(reference string) (*client.Device, error) {
	device := j.devices[reference]
	known, err := j.cfg.Spool.rewind(device)
	if err != nil || known {
		return device, err
	}
	// It is new, or its state went with all that was known of an erased subject.
	enrolled, _, err := j.cfg.Onboarding.Lookup(reference)
	if err == nil && (enrolled == nil || enrolled.Erased) {
		err = errErased
	}
	return device, err
}

// commit waits while the spool is full.
func (j *Job) commit(ctx context.Context, batch Batch) error {
	for {
		wake := j.cfg.Spool.wake()
		err := j.cfg.Spool.Commit(batch)
		if !errors.Is(err, ErrSpoolFull) {
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// onboard makes a device known for every reference of a chunk and names those that
// have none because the subject is erased.
func (j *Job) onboard(ctx context.Context, c *chunk) (erased map[string]bool, err error) {
	erased = map[string]bool{}
	var news []placed
	asked := map[string]bool{}
	for _, o := range c.readings {
		if asked[o.reference] {
			continue
		}
		asked[o.reference] = true
		if j.erased[o.reference] {
			erased[o.reference] = true
			continue
		}
		enrolled, ok, err := j.cfg.Onboarding.Lookup(o.reference)
		switch {
		case err != nil:
			return nil, err
		case ok && enrolled.Erased:
			erased[o.reference] = true
		case !ok:
			// In the order of the source, because the order decides the jurisdiction.
			jurisdiction, err := j.cfg.Onboarding.place(o.reference, j.cfg.Jurisdiction)
			if err != nil {
				return nil, err
			}
			news = append(news, placed{o.reference, jurisdiction})
		}
	}
	if err := j.register(ctx, news, erased); err != nil {
		return nil, err
	}
	for reference := range asked {
		if erased[reference] || j.devices[reference] != nil {
			continue
		}
		device, err := j.cfg.Onboarding.device(reference)
		if errors.Is(err, errErased) { // since it was looked up
			erased[reference] = true
			continue
		}
		if err != nil {
			return nil, err
		}
		j.devices[reference] = device
	}
	return erased, nil
}

// placed is a new reference and where it belongs.
type placed struct{ reference, jurisdiction string }

// register brings new references into the log, several at once. Only who is erased
// is passed over. Any other refusal (a device CA that is not active, a registrar that
// may not, a subject registered elsewhere) ends the run before the input moves on:
// passed over, the readings would be lost without a trace in the log.
func (j *Job) register(ctx context.Context, news []placed, erased map[string]bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, onboardingAtOnce)
	for _, p := range news {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			_, err := j.cfg.Onboarding.Register(ctx, p.reference, p.jurisdiction)
			if err == nil {
				return
			}
			var refusal *entry.Refusal
			if ctx.Err() != nil || !errors.As(err, &refusal) || errors.Is(err, client.ErrCallRefused) {
				cancel(err)
				return
			}
			j.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "a subject cannot be registered", slog.String("code", string(refusal.Code)))
			if refusal.Code != entry.CodeSubjectErased {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			erased[p.reference] = true
		})
	}
	running.Wait()
	for reference := range erased {
		j.erased[reference] = true
	}
	return context.Cause(ctx)
}
