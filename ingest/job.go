package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// JobConfig is what bringing a source into the log needs. All fields are required
// unless said otherwise.
type JobConfig struct {
	Source     Source
	Spool      *Spool
	Client     *client.Client // with the ingest service's certificate, of NewClient
	Receipts   *Receipts      // where the client keeps what it proves
	Onboarding *Onboarding    // registers references that are new
	// Jurisdiction decides where a new reference belongs; nth counts those before it.
	Jurisdiction func(reference string, nth int) string
	Progress     func(Progress) // called after every change, from one goroutine at a time; may be nil
	// Skipped is called, from one goroutine, for each record that is no reading of a
	// subject and is passed over; may be nil.
	Skipped func(*LineError)
	Logger  *slog.Logger
	Now     func() time.Time

	Name     string        // of the source, when one spool serves several; may be empty
	Senders  int           // calls under way at once; 0 means 4
	Batch    int           // readings in one call, at most 1,024; 0 means 256
	Patience time.Duration // give up when nothing left the spool for so long; 0 means never
}

// Validate reports every fault of the configuration at once.
func (c JobConfig) Validate() error {
	return check("job",
		demand{c.Source != nil, "Source is missing"},
		demand{c.Spool != nil, "Spool is missing"},
		demand{c.Client != nil, "Client is missing"},
		demand{c.Receipts != nil, "Receipts is missing"},
		demand{c.Onboarding != nil, "Onboarding is missing"},
		demand{c.Jurisdiction != nil, "Jurisdiction is missing"},
		demand{c.Logger != nil, "Logger is missing"},
		demand{c.Now != nil, "Now is missing"},
		demand{c.Senders >= 0 && c.Senders <= maxSenders, "Senders is outside 0 to 64"},
		demand{c.Batch >= 0 && c.Batch <= maxBatch, "Batch is outside 0 to 1,024"},
		demand{c.Patience >= 0, "Patience is negative"},
	)
}

const (
	defaultSenders = 4
	maxSenders     = 64
	defaultBatch   = 256
	maxBatch       = 1024 // what one AppendRequest may hold
	// batchBytes bounds one call; a node takes 16 MiB.
	batchBytes = 8 << 20
	// chunkBytes bounds what is signed and spooled in one durable write: the largest
	// two openings of one reading fit a frame together with it.
	chunkBytes = 4 << 20
	// aheadReadings and aheadBytes bound how far reading runs ahead of delivery
	// while the cluster keeps up; when it is away, the spool's own bound counts.
	aheadReadings = 64 << 10
	aheadBytes    = 256 << 20
)

// Progress is how far a job has come. Done counts the records of the source that
// need nothing more, those of earlier runs included.
type Progress struct {
	Done    int // in the log, refused, or passed over
	Total   int
	Refused int // of this run: refused by the log, or no readings at all
}

// Summary is what one run did.
type Summary struct {
	Readings int // signed and spooled by this run
	Verified int // left the spool with a receipt that this run verified
	Refused  int // refused by the log for good and kept as dead letters
	Erased   int // not sent, or refused, because the subject is erased
	Skipped  int // records of the source that are no readings of a subject
}

// ErrNoProgress says that nothing left the spool for as long as Patience allows.
// What waits stays there for the next run.
var ErrNoProgress = errors.New("ingest: the log takes nothing")

// Job brings a source into the log: read, cut, sign, spool, submit, verify.
type Job struct {
	cfg     JobConfig
	devices map[string]*client.Device // by reference; of the reading goroutine
	erased  map[string]bool           // references whose subject is erased; of the same

	mu       sync.Mutex // guards everything below
	summary  Summary
	progress Progress
	finished bool                               // the source is read to its end
	moved    time.Time                          // when something last left the spool
	pauses   map[string]*delivery               // by jurisdiction
	turned   map[entry.AuthorID]*client.Backoff // authors whose readings go newest first
	doubt    error                              // newest reason for which a reading did not leave
}

// delivery is how what waits for one jurisdiction is brought to a node.
type delivery struct {
	pause client.Backoff
	due   time.Time
}

// NewJob checks the configuration and starts nothing.
func NewJob(cfg JobConfig) (*Job, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Senders == 0 {
		cfg.Senders = defaultSenders
	}
	if cfg.Batch == 0 {
		cfg.Batch = defaultBatch
	}
	return &Job{cfg: cfg, pauses: map[string]*delivery{}, turned: map[entry.AuthorID]*client.Backoff{}}, nil
}

// Run returns when the source is read to its end and everything has left the
// spool, or with the reason why not. It may be called again, also by another
// process on the same spool: it goes on where the last durable write was.
func (j *Job) Run(ctx context.Context) (Summary, error) {
	if err := j.begin(); err != nil {
		return Summary{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	start := func(part func(context.Context) error) {
		running.Go(func() {
			if err := part(ctx); err != nil {
				cancel(err)
			}
		})
	}
	start(j.readAll)
	for range j.cfg.Senders {
		start(j.deliverAll)
	}
	running.Wait()
	err := context.Cause(ctx)
	if tidy := j.cfg.Spool.tidy(); err == nil {
		err = tidy
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.summary, err
}

// positionKey is where the source's position is journaled.
func (j *Job) positionKey() string { return "position/" + j.cfg.Name }

// begin finds the place to go on at.
func (j *Job) begin() error {
	total, err := j.cfg.Source.Total()
	if err != nil {
		return err
	}
	var at Position
	if value, ok := j.cfg.Spool.Value(j.positionKey()); ok {
		if err := json.Unmarshal(value, &at); err != nil {
			return errors.New("ingest: the journaled position is malformed")
		}
	}
	if err := j.cfg.Source.Seek(at); err != nil {
		return err
	}
	j.devices, j.erased = map[string]*client.Device{}, map[string]bool{}
	waiting, _ := j.cfg.Spool.Pending()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.summary, j.finished, j.moved = Summary{}, false, j.cfg.Now()
	j.progress = Progress{Done: max(0, int(at.Records)-waiting), Total: int(total)}
	return nil
}

// count changes summary and progress together and reports them.
func (j *Job) count(change func(*Summary, *Progress)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	done := j.progress.Done
	change(&j.summary, &j.progress)
	if j.progress.Done != done {
		j.moved = j.cfg.Now()
	}
	if j.cfg.Progress != nil {
		j.cfg.Progress(j.progress)
	}
}

func (j *Job) endOfSource() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.finished = true
}

// over says whether nothing is left to do.
func (j *Job) over() bool {
	waiting, _ := j.cfg.Spool.Pending()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.finished && waiting == 0
}

// patience returns when to give up, and with what.
func (j *Job) patience() (time.Time, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cfg.Patience == 0 {
		return time.Time{}, nil
	}
	doubt := j.doubt
	if doubt == nil { // nothing was sent: the registering is what does not move
		doubt = j.cfg.Onboarding.cfg.Client.LastDoubt()
	}
	reason := ErrNoProgress
	if doubt != nil {
		reason = fmt.Errorf("%w: %w", ErrNoProgress, doubt)
	}
	return j.moved.Add(j.cfg.Patience), reason
}
