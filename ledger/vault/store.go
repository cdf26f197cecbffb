package vault

import (
	"errors"
	"sync"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// StoreConfig says where the replicated half of a vault lies and by what it
// judges commands.
type StoreConfig struct {
	State        state.Options  // the database; required
	Jurisdiction string         // name of the group, one of Genesis' jurisdictions; required
	Genesis      *entry.Genesis // grace, floors, single authority; required
	Policy       *proof.Policy  // under which receipts in commands are verified; required
}

// Validate reports every fault at once.
func (c StoreConfig) Validate() error {
	faults := []error{c.State.Validate()}
	if c.Genesis == nil {
		faults = append(faults, errors.New("vault: Genesis is missing"))
	} else if _, ok := ruleOf(c.Genesis, c.Jurisdiction); !ok {
		faults = append(faults, errors.New("vault: Jurisdiction is not one of Genesis"))
	}
	if c.Policy == nil {
		faults = append(faults, errors.New("vault: Policy is missing"))
	}
	return errors.Join(faults...)
}

func ruleOf(g *entry.Genesis, jurisdiction string) (entry.JurisdictionRule, bool) {
	for _, r := range g.Jurisdictions {
		if r.Name == jurisdiction {
			return r, true
		}
	}
	return entry.JurisdictionRule{}, false
}

// Store is the replicated state machine of one jurisdiction. It holds
// ciphertext, wrapped keys and numbers, and needs no key to apply a command.
// Apply is its only writer; everything else reads.
type Store struct {
	db     *state.DB
	group  string
	rule   entry.JurisdictionRule
	single bool // one registrar in genesis: a statement that elsewhere needs a confirmation counts at once
	policy *proof.Policy

	mu        sync.Mutex // guards observers
	observers []func(change)
}

// OpenStore opens or creates the store.
func OpenStore(cfg StoreConfig) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	db, err := state.Open(cfg.State)
	if err != nil {
		return nil, err
	}
	rule, _ := ruleOf(cfg.Genesis, cfg.Jurisdiction)
	return &Store{
		db:     db,
		group:  cfg.Jurisdiction,
		rule:   rule,
		single: len(cfg.Genesis.Registrars) == 1,
		policy: cfg.Policy,
	}, nil
}

// State is the database beneath, for snapshots and the applied position.
func (s *Store) State() *state.DB { return s.db }

// Jurisdiction is the name of the group.
func (s *Store) Jurisdiction() string { return s.group }

// Close flushes and closes the database. Nothing may use the store any more.
func (s *Store) Close() error { return s.db.Close() }

// view reads the newest committed state.
func (s *Store) view() view { return view{s.db} }

// observe makes f hear of every batch that changed what it may hold in memory,
// before Apply returns.
func (s *Store) observe(f func(change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observers = append(s.observers, f)
}

func (s *Store) tell(c change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.observers {
		f(c)
	}
}

// snapshot gives f one unchanging state to read.
func (s *Store) snapshot(f func(view) error) error {
	snap := s.db.NewSnapshot()
	return errors.Join(f(view{snap}), snap.Close())
}
