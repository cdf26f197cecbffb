package quickstart

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/indelibled/founding"
	"indelible/cli/indelibled/node"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Options are the command line of the quickstart.
type Options struct {
	Dir     string // made when it is absent or empty, gone on with when it is ours
	Data    string // FHIR Observations, one a line; empty: generated patients and wearables
	Once    bool   // end when everything is shown, instead of serving on
	Version string
	Printer *say.Printer
}

// The folders of the quickstart's own clients, below the directory.
const (
	clientDir   = "client"
	exportDir   = "receipts"
	nodeLogFile = "node.log"
)

// journal begins the keys under which statements are kept before they are sent.
const journal = "cli/"

// show is a quickstart under way.
type show struct {
	Options
	began time.Time
	site  founding.Site
	node  *node.Node
	url   string

	roles   map[string]*client.Caller
	work    *ingest.Work
	source  ingest.Source
	input   string // the name of the input
	onboard *ingest.Onboarding
	logger  *slog.Logger

	subjects     []subject
	erasedHandle entry.Handle
	before       []byte // checkpoint before the erasure
	summary      Summary
}

// Run shows everything and then serves until ctx ends, or ends at once.
func Run(ctx context.Context, o Options) (err error) {
	s := &show{Options: o, began: time.Now(), roles: map[string]*client.Caller{}, logger: slog.New(slog.DiscardHandler)}
	if err := s.openData(); err != nil {
		return err
	}
	lock, err := s.lockDirectory()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	logs, err := s.openDirectory(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	if s.node, err = s.openNode(ctx, logs); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	group.Go(func() error { return s.node.Run(ctx) })
	group.Go(func() error {
		defer stop()
		return s.play(ctx)
	})
	err = group.Wait()
	return s.ended(err)
}

// ended closes the node, unless it stopped because it cannot trust its state.
func (s *show) ended(err error) error {
	err = node.Stopped(s.node, err)
	var problem *say.Problem
	if !errors.Is(err, context.Canceled) || errors.As(err, &problem) {
		return err
	}
	return &say.Problem{
		Exit: say.ExitRefused, Code: "INTERRUPTED", What: "interrupted", NotDone: "the story was not told to its end",
		Next: "run the same command again: it goes on where it was", Err: err,
	}
}

// play is the whole story in order.
func (s *show) play(ctx context.Context) (err error) {
	select {
	case <-s.node.Ready():
	case <-ctx.Done():
		return nil
	}
	if err := s.connect(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.disconnect()) }()
	for _, scene := range []func(context.Context) error{
		s.enrolHolders, s.registerSubjects, s.ingestReadings, s.verifyReceipts,
		s.readOne, s.tamper, s.erase, s.readErased, s.verifyAgain, s.report,
	} {
		if err := scene(ctx); err != nil {
			return say.Client(err, s.url, s.site.Credentials())
		}
	}
	if s.Once {
		return nil
	}
	s.tell("")
	s.tell("The node goes on serving at %s. Stop it with Ctrl-C; the same command on the same directory goes on.", s.url)
	<-ctx.Done()
	return nil
}

// tell is a line of the story.
func (s *show) tell(format string, args ...any) { s.Printer.Remark(format, args...) }

// scene begins a part of the story.
func (s *show) scene(format string, args ...any) {
	s.tell("")
	s.tell("— "+format, args...)
}

// connect opens the ingest side's stores, and one caller per role, who keeps the
// receipts of what it proves there.
func (s *show) connect() error {
	var err error
	base := filepath.Join(s.Dir, clientDir)
	s.work, err = ingest.OpenWork(ingest.SpoolConfig{Dir: base, Now: time.Now, Rand: rand.Reader, Logger: s.logger})
	if err != nil {
		return say.Local(err, "the spool or the receipts cannot be opened", "look at "+base)
	}
	cfg := s.work.Receipts.Attach(client.Config{URL: s.url, Now: time.Now, Logger: s.logger})
	for _, h := range founding.Holders {
		c, err := credential.Load(s.site.Credential(h.Name))
		if err == nil {
			s.roles[h.Name], err = client.Open(c, cfg, rand.Reader)
		}
		if err != nil {
			return unusable(err, "the credential of "+h.Name)
		}
	}
	return s.openSource()
}

const beginAgain = "correct that, or begin again in another directory"

// unusable is a file of the directory that cannot be read.
func unusable(err error, what string) error {
	return say.Local(err, what+" cannot be read", beginAgain)
}

func (s *show) disconnect() error {
	for _, role := range s.roles {
		role.Close()
	}
	return s.work.Close()
}

// signed signs a statement the first time and gives the same bytes afterwards.
func (s *show) signed(role, key string, draft entry.Draft, sealed map[entry.Class]client.Content) (*client.Signed, error) {
	raw, err := s.work.Spool.Once(journal+key, func() ([]byte, error) {
		signed, err := s.roles[role].Sign(draft, sealed)
		if err != nil {
			return nil, err
		}
		return ingest.EncodeSigned(signed)
	})
	if err != nil {
		return nil, fmt.Errorf("keep a statement before it is sent: %w", err)
	}
	return ingest.DecodeSigned(raw)
}

// write signs and appends as a role.
func (s *show) write(ctx context.Context, role, key string, draft entry.Draft, sealed map[entry.Class]client.Content) (*client.Proven, error) {
	signed, err := s.signed(role, key, draft, sealed)
	if err != nil {
		return nil, err
	}
	outcome, err := s.roles[role].Append(ctx, signed)
	return outcome.Proven, err
}
