package raft

import (
	"errors"
	"fmt"
	"io"
	"strings"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger/state"
)

// A snapshot costs one flush. The state database is its own snapshot, so what
// the library calls persisting is making sure that a power cut would leave at
// least that position; listing is reading the position; a body does not exist.

// errNoBody answers an attempt to write or transfer a snapshot's body.
var errNoBody = errors.New("raft: snapshots have no body, state travels outside the Raft library")

// persisted is hraft.FSMSnapshot.
type persisted struct{ f *fold }

// Persist makes durable at least the position the sink names.
func (p persisted) Persist(s hraft.SnapshotSink) error {
	at, ok := s.(*sink)
	if !ok {
		return errors.New("raft: a sink of another store")
	}
	err := p.f.persist(at.at)
	if err != nil {
		p.f.fault.fail("make state durable", err)
	}
	return err
}

func (p persisted) Release() {}

// persist flushes. Entries that never reach a state machine (no-ops, barriers)
// may have moved the library's position past ours; ours follows first.
func (f *fold) persist(at state.Applied) error {
	defer f.watchdog.watch("make state durable")()
	if err := f.follow(at); err != nil {
		return err
	}
	durable, err := f.db.Durable()
	if err != nil {
		return err
	}
	if durable.Index < at.Index {
		return fmt.Errorf("flushed up to %d only, %d was applied", durable.Index, at.Index)
	}
	f.flushed.Store(&durable)
	return f.flushedHook()
}

func (f *fold) follow(at state.Applied) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.db.Applied()
	if f.stopped || at.Index <= now.Index {
		return nil
	}
	if at.ConfigIndex <= now.ConfigIndex {
		at.Config, at.ConfigIndex = nil, 0
	}
	if err := f.db.FastForward(at); err != nil {
		return err
	}
	f.applied.raise(at.Index)
	return nil
}

// snapshots is hraft.SnapshotStore over the position of a state database.
type snapshots struct{ f *fold }

// Create implements hraft.SnapshotStore. The sink holds metadata only.
func (s snapshots) Create(_ hraft.SnapshotVersion, index, term uint64, configuration hraft.Configuration,
	configurationIndex uint64, _ hraft.Transport) (hraft.SnapshotSink, error) {
	return &sink{at: state.Applied{
		Index: index, Term: term, ConfigIndex: configurationIndex, Config: hraft.EncodeConfiguration(configuration),
	}}, nil
}

// List implements hraft.SnapshotStore: the one snapshot there is, or none.
func (s snapshots) List() ([]*hraft.SnapshotMeta, error) {
	at := *s.f.flushed.Load()
	if at.Index == 0 {
		return nil, nil
	}
	meta, err := describe(at)
	if err != nil {
		return nil, err
	}
	return []*hraft.SnapshotMeta{meta}, nil
}

// Open implements hraft.SnapshotStore: metadata and an empty body.
func (s snapshots) Open(id string) (*hraft.SnapshotMeta, io.ReadCloser, error) {
	meta, err := describe(*s.f.flushed.Load())
	if err != nil {
		return nil, nil, err
	}
	if meta.ID != id {
		return nil, nil, errors.New("raft: that snapshot is no longer the newest")
	}
	return meta, io.NopCloser(strings.NewReader("")), nil
}

func describe(at state.Applied) (*hraft.SnapshotMeta, error) {
	configuration, err := decodeConfiguration(at.Config)
	if err != nil {
		return nil, err
	}
	return &hraft.SnapshotMeta{
		Version: hraft.SnapshotVersionMax, ID: snapshotID(at), Index: at.Index, Term: at.Term,
		Configuration: configuration, ConfigurationIndex: at.ConfigIndex,
	}, nil
}

func snapshotID(at state.Applied) string { return fmt.Sprintf("%d-%d", at.Term, at.Index) }

// decodeConfiguration answers a damaged row with an error; the library's own
// decoder panics.
func decodeConfiguration(raw []byte) (c hraft.Configuration, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("raft: the stored membership cannot be read: %v", r)
		}
	}()
	if len(raw) == 0 {
		return c, errors.New("raft: the state database names no membership")
	}
	return hraft.DecodeConfiguration(raw), nil
}

// sink is hraft.SnapshotSink.
type sink struct{ at state.Applied }

// Write implements io.Writer: there is nothing to write.
func (s *sink) Write([]byte) (int, error) { return 0, errNoBody }
func (s *sink) Close() error              { return nil }
func (s *sink) ID() string                { return snapshotID(s.at) }
func (s *sink) Cancel() error             { return nil }
