package raft

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"filippo.io/mldsa"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Limits that are not a matter of taste. Those an operator may want to change
// stand in Config.
const (
	// MaxCommand bounds one Raft command with its envelope, in bytes
	// (FORMATS §7). It bounds the memory of replication and of one apply.
	MaxCommand = 1 << 20

	// ClockTolerance is how far a member's clock may be from the leader's and
	// how far behind ledger time, before it refuses to vouch for a checkpoint
	// (DESIGN §5).
	ClockTolerance = 5 * time.Second

	// PQInterval is how often at most a checkpoint gets ML-DSA-44 cosignatures:
	// with news, one at least this often follows (DESIGN §5).
	PQInterval = time.Second

	maxNameBytes = 255 // a note key name, FORMATS §3
)

// The defaults of the limits that others name.
const (
	DefaultOrdinaryBytes = 64 << 20
	DefaultDiskHang      = 20 * time.Second
	DefaultDrain         = 5 * time.Second
)

// Limits bound what waits inside a node. Zero means the default.
type Limits struct {
	OrdinaryEntries int           // entries queued or in flight in the ordinary lane (32,768)
	OrdinaryBytes   int           // their statement bytes (64 MiB)
	ReservedEntries int           // the same for access entries and erasures (8,192)
	ReservedBytes   int           // (8 MiB)
	VaultCommands   int           // commands in flight per jurisdiction (1,024)
	VaultBytes      int           // their bytes (32 MiB)
	Waiters         int           // callers waiting in Await (65,536)
	SnapshotBytes   int           // new entries of a group that call for a snapshot before its time (64 MiB)
	TrailingBytes   int           // entries kept in a group's log behind a snapshot while it has one member (16 MiB)
	DiskHang        time.Duration // a write that takes longer ends the node (20 s)
	Drain           time.Duration // how long a stop waits for what is in flight (5 s)
}

// limit is one of the Limits that count something.
type limit struct {
	name  string
	value *int
	usual int
}

func (l *Limits) counts() []limit {
	return []limit{
		{"OrdinaryEntries", &l.OrdinaryEntries, 32_768},
		{"OrdinaryBytes", &l.OrdinaryBytes, DefaultOrdinaryBytes},
		{"ReservedEntries", &l.ReservedEntries, 8_192},
		{"ReservedBytes", &l.ReservedBytes, 8 << 20},
		{"VaultCommands", &l.VaultCommands, 1_024},
		{"VaultBytes", &l.VaultBytes, 32 << 20},
		{"Waiters", &l.Waiters, 65_536},
		{"SnapshotBytes", &l.SnapshotBytes, 64 << 20},
		{"TrailingBytes", &l.TrailingBytes, 16 << 20},
	}
}

func (l Limits) withDefaults() Limits {
	for _, c := range l.counts() {
		*c.value = cmp.Or(*c.value, c.usual)
	}
	l.DiskHang, l.Drain = cmp.Or(l.DiskHang, DefaultDiskHang), cmp.Or(l.Drain, DefaultDrain)
	return l
}

func (l Limits) validate() error {
	var faults []error
	for _, c := range l.counts() {
		if *c.value < 0 {
			faults = append(faults, fmt.Errorf("raft: Limits.%s is negative", c.name))
		}
	}
	if l.DiskHang < 0 || l.Drain < 0 {
		faults = append(faults, errors.New("raft: a duration in Limits is negative"))
	}
	return errors.Join(faults...)
}

// Config says who a node is and what it may use.
type Config struct {
	Name  string        // node name as in genesis; also the name of its cosigner keys. Required
	Dir   string        // directory of the Raft log; created when missing. Required
	FS    vfs.FS        // every byte goes through it. Required
	Cache *pebble.Cache // block cache shared by the databases of the process; nil means Pebble's own small one

	Placement []string // jurisdictions this node is placed in; one vault store each is handed to Open

	LogKey      ed25519.PrivateKey // the log's own key, one per log. Required
	CosignerKey ed25519.PrivateKey // this node's Ed25519 cosigner key. Required
	MLDSAKey    *mldsa.PrivateKey  // this node's ML-DSA-44 cosigner key. Required

	Now    func() time.Time // clock of leader times and cosignatures. Required
	Rand   io.Reader        // spreads the times at which callers turned away come back. Required
	Logger *slog.Logger     // required

	Limits Limits
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	faults := missing("raft: ", []field{
		{"Name", c.Name == ""}, {"Dir", c.Dir == ""}, {"FS", c.FS == nil},
		{"LogKey", len(c.LogKey) != ed25519.PrivateKeySize}, {"CosignerKey", len(c.CosignerKey) != ed25519.PrivateKeySize},
		{"MLDSAKey", c.MLDSAKey == nil}, {"Now", c.Now == nil}, {"Rand", c.Rand == nil}, {"Logger", c.Logger == nil},
	})
	if len(c.Name) > maxNameBytes {
		faults = append(faults, fmt.Errorf("raft: Name is longer than %d bytes", maxNameBytes))
	}
	return errors.Join(append(faults, c.Limits.validate())...)
}

// field is one that must be set.
type field struct {
	name   string
	absent bool
}

func missing(prefix string, fields []field) (faults []error) {
	for _, f := range fields {
		if f.absent {
			faults = append(faults, fmt.Errorf("%s%s is missing", prefix, f.name))
		}
	}
	return faults
}
