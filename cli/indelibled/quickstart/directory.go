package quickstart

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/cli/indelibled/node"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

// loopbackAny is a free port on this machine alone.
const loopbackAny = "127.0.0.1:0"

// lockDirectory keeps a second quickstart out of the directory, from before there
// is a log in it.
func (s *show) lockDirectory() (*os.File, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil || s.Dir == "" {
		return nil, say.Usage("give one with --dir", "the directory is not named")
	}
	s.Dir, s.site = dir, founding.Site{Dir: dir}
	lock, err := founding.LockDir(dir)
	switch {
	case errors.Is(err, founding.ErrLocked):
		return nil, s.inUse()
	case err != nil:
		return nil, say.Local(err, "the directory cannot be used", "give another with --dir")
	}
	return lock, nil
}

func (s *show) inUse() error {
	return say.Refused("IN_USE", "another process works on "+s.Dir, "nothing was done",
		"stop the other quickstart, or give another --dir")
}

// openDirectory founds the log, or takes up the one that is there, and opens
// the file the node logs to.
func (s *show) openDirectory(ctx context.Context) (*os.File, error) {
	dir := s.Dir
	condition, err := founding.Inspect(dir)
	if err != nil {
		return nil, say.Local(err, "the directory cannot be read", "give another with --dir")
	}
	switch condition {
	case founding.Foreign:
		return nil, say.Usage("give an empty or new directory with --dir", "the directory %s holds something that is not ours", dir)
	case founding.Founded:
		s.tell("Going on in %s", dir)
	default:
		s.tell("Making a log in %s: its authority, keys, credentials, genesis and configuration", dir)
		if err := s.found(ctx); err != nil {
			return nil, say.Local(err, "the log could not be made", "correct that and run the same command again: it begins anew")
		}
	}
	logs, err := os.OpenFile(filepath.Join(dir, nodeLogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, say.Local(err, "the node's log file cannot be opened", "look at the disk")
	}
	return logs, nil
}

// found makes the log of a quickstart: no grace and no floors on clinical and
// identity parts, so that an erasure can be shown at once.
func (s *show) found(ctx context.Context) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	eu := founding.Rule(firstJurisdiction, entry.RegimeGDPR)
	us := founding.Rule(secondJurisdiction, entry.RegimeHIPAA)
	for _, rule := range []*entry.JurisdictionRule{&eu, &us} {
		rule.Grace, rule.FloorClinical, rule.FloorIdentity = 0, 0, 0
	}
	_, err = founding.Found(founding.Spec{
		Dir: s.Dir, Listen: address, Jurisdictions: []entry.JurisdictionRule{eu, us}, Now: time.Now, Rand: rand.Reader,
	})
	return err
}

// freeAddress finds a port that is free now, to be written into the
// configuration: credentials name it, so it should stay the same.
func freeAddress(ctx context.Context) (string, error) {
	var on net.ListenConfig
	l, err := on.Listen(ctx, "tcp", loopbackAny)
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// openNode opens the node of the directory, on another port when something else
// took its own meanwhile, and writes the address into the credentials.
func (s *show) openNode(ctx context.Context, logs *os.File) (*node.Node, error) {
	cfg, err := config.Load(s.site.Config(), nil)
	if err != nil {
		return nil, say.Local(err, "the configuration of this directory is not usable", beginAgain)
	}
	n, err := node.Open(ctx, cfg, s.Version, logs)
	if errors.Is(err, syscall.EADDRINUSE) {
		cfg.Listen = loopbackAny
		n, err = node.Open(ctx, cfg, s.Version, logs)
	}
	if errors.Is(err, node.ErrInUse) {
		return nil, s.inUse()
	}
	if err != nil {
		return nil, say.Local(err, "the node could not be opened", "run indelibled fsck --config "+s.site.Config())
	}
	s.url = "https://" + n.Address().String()
	return n, s.site.SetServer(s.url)
}
