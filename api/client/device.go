package client

import (
	"crypto"
	"errors"
	"io"
	"time"

	"indelible/ledger/entry"
)

// DeviceState is where a device stands in its own chain of statements. It is
// journaled in the same durable write as the statement that moved it; a device
// that lost it begins a new boot epoch.
type DeviceState struct {
	Boot uint64             // boot epoch, from 1
	Seq  uint64             // last sequence number used in it, 0 for none
	Prev *entry.StatementID // statement at that number, nil for a key's first or after lost state
}

// NextBoot is the state with which a device goes on that does not know what it
// signed last. Boot is the highest epoch it may have used. The missing link is
// reported as a gap, which it is.
func NextBoot(boot uint64) DeviceState { return DeviceState{Boot: boot + 1} }

// DeviceConfig is what a device signs with. All fields are required.
type DeviceConfig struct {
	Key          crypto.Signer   // binding key: Ed25519, or ECDSA on P-256; may live in a secure element
	Log          entry.LogID     // identity of the log: leaf hash of its genesis
	Binding      entry.BindingID // whom the device measures
	Jurisdiction string          // of the binding
	State        DeviceState     // last journaled state; DeviceState{Boot: 1} for a new key
	Now          func() time.Time
	Rand         io.Reader // CSPRNG: nonces hide the content
}

// Validate reports every fault of the configuration at once.
func (c DeviceConfig) Validate() error {
	var faults []error
	require := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("client: device: "+what))
		}
	}
	require(c.Key != nil, "Key is missing")
	require(c.Log != entry.LogID{}, "Log is missing")
	require(c.Binding != entry.BindingID{}, "Binding is missing")
	require(entry.ValidJurisdiction(c.Jurisdiction), "Jurisdiction is not valid")
	require(c.State.Boot > 0, "State.Boot begins at 1")
	require(c.Now != nil, "Now is missing")
	require(c.Rand != nil, "Rand is missing")
	return errors.Join(faults...)
}

// Device signs readings of one subject with one key. It is for one goroutine.
// What it returns must be durable, together with State, before it is first sent,
// and only those bytes may be sent again.
type Device struct {
	author *Author
	cfg    DeviceConfig
	state  DeviceState
}

// NewDevice checks the configuration.
func NewDevice(cfg DeviceConfig) (*Device, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	author, err := NewAuthor(cfg.Key, cfg.Log, cfg.Now, cfg.Rand)
	if err != nil {
		return nil, err
	}
	return &Device{author: author, cfg: cfg, state: cfg.State}, nil
}

// Author is the key that verifies what the device signs.
func (d *Device) Author() *entry.PublicKey { return d.author.public }

// State is the state after the last Sign or Rewind.
func (d *Device) State() DeviceState { return d.state }

// Rewind sets the state to what was journaled last: what was signed since then and
// never journaled was never sent.
func (d *Device) Rewind(to DeviceState) { d.state = to }

// Sign commits to a reading and signs the commitment under the next number.
// contents are its parts: the clinical one and, if it names the person, the
// identity one. The log learns nothing of the reading but that there is one.
func (d *Device) Sign(contents map[entry.Class]Content) (*Signed, error) {
	signed, err := d.author.Sign(entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(d.cfg.Binding), Jurisdiction: d.cfg.Jurisdiction,
		Boot: d.state.Boot, Seq: d.state.Seq + 1, Prev: d.state.Prev,
	}, contents)
	if err != nil {
		return nil, err
	}
	id := signed.Statement.ID()
	d.state.Seq++
	d.state.Prev = &id
	return signed, nil
}
