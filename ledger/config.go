package ledger

import (
	"errors"
	"log/slog"

	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// DefaultCacheRows is how many rows of each registry are kept decoded in
// memory: enough for the devices of a large hospital, about 40 MiB.
const DefaultCacheRows = 32_768

// Config says where a ledger lies and which log it is.
type Config struct {
	State     state.Options   // its database; required
	Genesis   []byte          // the statement at index 0: it is the log's identity. Required, except with State.ReadOnly
	Verifier  *entry.Verifier // shared by the process, so that what the edge verified is not verified again; required
	Logger    *slog.Logger    // required
	CacheRows int             // rows of each registry kept decoded; 0 means DefaultCacheRows
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	faults := []error{c.State.Validate()}
	if len(c.Genesis) == 0 && !c.State.ReadOnly {
		faults = append(faults, errors.New("ledger: Genesis is missing"))
	}
	if c.Verifier == nil {
		faults = append(faults, errors.New("ledger: Verifier is missing"))
	}
	if c.Logger == nil {
		faults = append(faults, errors.New("ledger: Logger is missing"))
	}
	if c.CacheRows < 0 {
		faults = append(faults, errors.New("ledger: CacheRows is negative"))
	}
	return errors.Join(faults...)
}
