package store

import (
	"errors"
	"slices"
	"sync"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// Config says where the replicated half of a vault lies and by what it judges
// commands.
type Config struct {
	State        state.Options  // the database; required
	Jurisdiction string         // name of the group, one of Genesis' jurisdictions; required
	Genesis      *entry.Genesis // grace, floors, single authority; required
	Policy       *proof.Policy  // under which receipts in commands are verified; required
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	faults := []error{c.State.Validate()}
	if c.Genesis == nil {
		faults = append(faults, errors.New("vault: Genesis is missing"))
	} else if c.rule() < 0 {
		faults = append(faults, errors.New("vault: Jurisdiction is not one of Genesis"))
	}
	if c.Policy == nil {
		faults = append(faults, errors.New("vault: Policy is missing"))
	}
	return errors.Join(faults...)
}

// rule is the index of the jurisdiction in Genesis, or -1.
func (c Config) rule() int {
	return slices.IndexFunc(c.Genesis.Jurisdictions, func(r entry.JurisdictionRule) bool { return r.Name == c.Jurisdiction })
}

// Store is the replicated state machine of one jurisdiction. It holds
// ciphertext, wrapped keys and numbers, and needs no key to apply a command.
// Apply is its only writer; everything else reads.
type Store struct {
	db     *state.DB
	group  string
	rule   entry.JurisdictionRule
	single bool
	policy *proof.Policy

	mu        sync.Mutex // guards observers
	observers []func(Change)
}

// Open opens or creates the store.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	db, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	return &Store{
		db:     db,
		group:  cfg.Jurisdiction,
		rule:   cfg.Genesis.Jurisdictions[cfg.rule()],
		single: len(cfg.Genesis.Registrars) == 1,
		policy: cfg.Policy,
	}, nil
}

// State is the database beneath, for snapshots and the applied position.
func (s *Store) State() *state.DB { return s.db }

// Jurisdiction is the name of the group.
func (s *Store) Jurisdiction() string { return s.group }

// Policy is what receipts in commands are verified under.
func (s *Store) Policy() *proof.Policy { return s.policy }

// SingleAuthority reports whether genesis names one registrar: then a statement
// that elsewhere needs a confirmation counts at once.
func (s *Store) SingleAuthority() bool { return s.single }

// Grace is the time between the approval and the execution of an erasure,
// milliseconds of ledger time.
func (s *Store) Grace() uint64 { return s.rule.Grace }

// Floor is how long records of a class are kept at least, milliseconds; 0 for a
// class that has no floor.
func (s *Store) Floor(class entry.Class) uint64 {
	switch class {
	case entry.ClassClinical:
		return s.rule.FloorClinical
	case entry.ClassIdentity:
		return s.rule.FloorIdentity
	case entry.ClassAudit:
		return s.rule.FloorAudit
	}
	return 0
}

// Close flushes and closes the database. Nothing may use the store any more.
func (s *Store) Close() error { return s.db.Close() }

// View reads the newest committed state, each row as it is when it is read.
func (s *Store) View() View { return View{s.db} }

// Snapshot gives f one unchanging state to read.
func (s *Store) Snapshot(f func(View) error) error {
	snap := s.db.NewSnapshot()
	return errors.Join(f(View{snap}), snap.Close())
}

// Observe makes f hear of every batch that changed what it may hold in memory,
// before Apply returns. f must not wait for anything that waits for Apply.
func (s *Store) Observe(f func(Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observers = append(s.observers, f)
}

func (s *Store) tell(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.observers {
		f(c)
	}
}
