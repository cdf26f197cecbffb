package ingest

import (
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
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
			faults = append(faults, errors.New("ingest: device: "+what))
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
// and only those bytes may be sent again: Spool.Commit does both in one write.
type Device struct {
	cfg    DeviceConfig
	author *entry.PublicKey
	state  DeviceState
}

// NewDevice checks the configuration.
func NewDevice(cfg DeviceConfig) (*Device, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	author, err := entry.NewPublicKey(cfg.Key.Public())
	if err != nil {
		return nil, fmt.Errorf("ingest: device key: %w", err)
	}
	return &Device{cfg: cfg, author: author, state: cfg.State}, nil
}

// Author is the key that verifies what the device signs.
func (d *Device) Author() *entry.PublicKey { return d.author }

// State is the state after the last Sign.
func (d *Device) State() DeviceState { return d.state }

// Sign commits to a reading and signs the commitment. The log learns nothing of
// the reading but that there is one.
func (d *Device) Sign(r Reading) (*Signed, error) {
	parts, openings, err := Seal(d.cfg.Rand, r.contents())
	if err != nil {
		return nil, err
	}
	digest := parts.Digest()
	statement, err := entry.Draft{
		Kind:         entry.KindReading,
		Sub:          entry.SubOfBinding(d.cfg.Binding),
		Log:          d.cfg.Log,
		IssuedAt:     uint64(d.cfg.Now().UnixMilli()),
		Jurisdiction: d.cfg.Jurisdiction,
		Boot:         d.state.Boot,
		Seq:          d.state.Seq + 1,
		Prev:         d.state.Prev,
		Parts:        &digest,
	}.Sign(d.cfg.Rand, d.cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("ingest: sign a reading: %w", err)
	}
	id := statement.ID()
	d.state.Seq++
	d.state.Prev = &id
	return &Signed{Statement: statement, Author: d.author, Openings: openings}, nil
}

// keyDevice begins the journal key of a device's state; the author id follows.
const keyDevice = "device/"

// journaled returns the device's state as it goes into a Batch.
func (d *Device) journaled() (key string, value []byte) {
	value = binary.AppendUvarint(nil, d.state.Boot)
	value = binary.AppendUvarint(value, d.state.Seq)
	if d.state.Prev != nil {
		value = append(value, d.state.Prev[:]...)
	}
	return keyDevice + d.author.Author().String(), value
}

// rewind sets a device to its journaled state, or to the beginning if nothing is
// known of it.
func (s *Spool) rewind(d *Device) (known bool, err error) {
	key, _ := d.journaled()
	value, known := s.Value(key)
	if !known {
		d.state = DeviceState{Boot: 1}
		return false, nil
	}
	d.state, err = decodeDeviceState(value)
	return true, err
}

func decodeDeviceState(value []byte) (DeviceState, error) {
	r := &recordReader{rest: value}
	state := DeviceState{Boot: r.number(), Seq: r.number()}
	switch {
	case r.err != nil || state.Boot == 0:
		return DeviceState{}, errors.New("ingest: a journaled device state is malformed")
	case len(r.rest) == entry.HashSize:
		id := entry.StatementID(r.rest)
		state.Prev = &id
	case len(r.rest) != 0:
		return DeviceState{}, errors.New("ingest: a journaled device state is malformed")
	}
	return state, nil
}
