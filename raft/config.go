package raft

import (
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

// Defaults of the limits in Config.
const (
	DefaultOrdinaryEntries = 32_768
	DefaultOrdinaryBytes   = 64 << 20
	DefaultReservedEntries = 8_192
	DefaultReservedBytes   = 8 << 20
	DefaultVaultCommands   = 1_024
	DefaultVaultBytes      = 32 << 20
	DefaultWaiters         = 65_536
	DefaultSnapshotBytes   = 64 << 20
	DefaultTrailingBytes   = 16 << 20
	DefaultDiskHang        = 20 * time.Second
	DefaultDrain           = 5 * time.Second
)

// Limits bound what waits inside a node. Zero means the default named beside
// each field.
type Limits struct {
	OrdinaryEntries int           // entries queued or in flight in the ordinary lane (DefaultOrdinaryEntries)
	OrdinaryBytes   int           // their statement bytes (DefaultOrdinaryBytes)
	ReservedEntries int           // the same for access entries and erasures (DefaultReservedEntries)
	ReservedBytes   int           // (DefaultReservedBytes)
	VaultCommands   int           // commands in flight per jurisdiction (DefaultVaultCommands)
	VaultBytes      int           // their bytes (DefaultVaultBytes)
	Waiters         int           // callers waiting in Await (DefaultWaiters)
	SnapshotBytes   int           // new entries of a group that call for a snapshot before its time (DefaultSnapshotBytes)
	TrailingBytes   int           // entries kept in a group's log behind a snapshot while it has one member (DefaultTrailingBytes)
	DiskHang        time.Duration // a write that takes longer ends the node (DefaultDiskHang)
	Drain           time.Duration // how long a stop waits for what is in flight (DefaultDrain)
}

func (l Limits) withDefaults() Limits {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&l.OrdinaryEntries, DefaultOrdinaryEntries)
	or(&l.OrdinaryBytes, DefaultOrdinaryBytes)
	or(&l.ReservedEntries, DefaultReservedEntries)
	or(&l.ReservedBytes, DefaultReservedBytes)
	or(&l.VaultCommands, DefaultVaultCommands)
	or(&l.VaultBytes, DefaultVaultBytes)
	or(&l.Waiters, DefaultWaiters)
	or(&l.SnapshotBytes, DefaultSnapshotBytes)
	or(&l.TrailingBytes, DefaultTrailingBytes)
	if l.DiskHang == 0 {
		l.DiskHang = DefaultDiskHang
	}
	if l.Drain == 0 {
		l.Drain = DefaultDrain
	}
	return l
}

func (l Limits) validate() error {
	positive := []struct {
		name  string
		value int
	}{
		{"OrdinaryEntries", l.OrdinaryEntries}, {"OrdinaryBytes", l.OrdinaryBytes},
		{"ReservedEntries", l.ReservedEntries}, {"ReservedBytes", l.ReservedBytes},
		{"VaultCommands", l.VaultCommands}, {"VaultBytes", l.VaultBytes}, {"Waiters", l.Waiters},
		{"SnapshotBytes", l.SnapshotBytes}, {"TrailingBytes", l.TrailingBytes},
	}
	var faults []error
	for _, p := range positive {
		if p.value < 0 {
			faults = append(faults, fmt.Errorf("raft: Limits.%s is negative", p.name))
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
	var faults []error
	missing := func(absent bool, name string) {
		if absent {
			faults = append(faults, fmt.Errorf("raft: %s is missing", name))
		}
	}
	missing(c.Name == "", "Name")
	missing(c.Dir == "", "Dir")
	missing(c.FS == nil, "FS")
	missing(len(c.LogKey) != ed25519.PrivateKeySize, "LogKey")
	missing(len(c.CosignerKey) != ed25519.PrivateKeySize, "CosignerKey")
	missing(c.MLDSAKey == nil, "MLDSAKey")
	missing(c.Now == nil, "Now")
	missing(c.Rand == nil, "Rand")
	missing(c.Logger == nil, "Logger")
	if len(c.Name) > maxNameBytes {
		faults = append(faults, fmt.Errorf("raft: Name is longer than %d bytes", maxNameBytes))
	}
	return errors.Join(append(faults, c.Limits.validate())...)
}
