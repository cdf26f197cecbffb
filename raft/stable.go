package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// The library's names for what it keeps here. It writes the vote as two values,
// term first; a crash between them would leave the new term with the old
// candidate, to whom the next request would then be granted without comparing
// logs (hashicorp/raft issue 661).
const (
	stableCurrentTerm   = "CurrentTerm"
	stableVoteTerm      = "LastVoteTerm"
	stableVoteCandidate = "LastVoteCand"

	maxStableKeys = 16 // the library has three
)

// errStableMiss has the text by which the library recognises a miss.
var errStableMiss = errors.New("not found")

type stable struct {
	mu       sync.Mutex
	rows     map[string][]byte // what is on disk
	voteTerm []byte            // held back until the candidate is known; nil if none
}

func (g *groupLog) loadStable() error {
	g.stable.rows = map[string][]byte{}
	return g.store.each(g.number, kindStable, func(name string, value []byte) error {
		if len(g.stable.rows) == maxStableKeys {
			return errLogRow
		}
		g.stable.rows[name] = append([]byte{}, value...)
		return nil
	})
}

// Set implements hraft.StableStore. The candidate of a vote is written in one
// synced batch with its term.
func (g *groupLog) Set(key, value []byte) error {
	g.stable.mu.Lock()
	defer g.stable.mu.Unlock()
	rows := map[string][]byte{string(key): append([]byte{}, value...)}
	if string(key) == stableVoteCandidate && g.stable.voteTerm != nil {
		rows[stableVoteTerm] = g.stable.voteTerm
		g.stable.voteTerm = nil
	}
	return g.writeStable(rows)
}

// writeStable makes rows durable. The caller holds stable.mu.
func (g *groupLog) writeStable(rows map[string][]byte) error {
	b := g.store.db.NewBatch()
	changed := false
	for name, value := range rows {
		if old, ok := g.stable.rows[name]; ok && string(old) == string(value) {
			continue
		}
		changed = true
		if err := b.Set(nameKey(g.number, kindStable, name), value, nil); err != nil {
			g.store.fault.halt("store a term or vote", errors.Join(err, b.Close()))
		}
	}
	if changed {
		g.store.commit("store a term or vote", b)
	}
	for name, value := range rows {
		g.stable.rows[name] = value
	}
	return b.Close()
}

func (g *groupLog) Get(key []byte) ([]byte, error) {
	g.stable.mu.Lock()
	defer g.stable.mu.Unlock()
	value, ok := g.stable.rows[string(key)]
	if !ok {
		return nil, errStableMiss
	}
	return append([]byte{}, value...), nil
}

// SetUint64 implements hraft.StableStore. The term of a vote waits for its
// candidate, which the library sets next or not at all.
func (g *groupLog) SetUint64(key []byte, value uint64) error {
	row := binary.BigEndian.AppendUint64(nil, value)
	if string(key) != stableVoteTerm {
		return g.Set(key, row)
	}
	g.stable.mu.Lock()
	defer g.stable.mu.Unlock()
	g.stable.voteTerm = row
	return nil
}

func (g *groupLog) GetUint64(key []byte) (uint64, error) {
	row, err := g.Get(key)
	if err != nil {
		return 0, err
	}
	if len(row) != 8 {
		err := fmt.Errorf("%w: a term of %d bytes", errLogRow, len(row))
		g.store.fault.halt("read a term or vote", err)
	}
	return binary.BigEndian.Uint64(row), nil
}
