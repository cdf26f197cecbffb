package ingest

import (
	"encoding/binary"
	"errors"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// keyDevice begins the journal key of a device's state; the author id follows.
const keyDevice = "device/"

// journaled returns a device's state as it goes into a Batch.
func journaled(d *client.Device) (key string, value []byte) {
	state := d.State()
	value = binary.AppendUvarint(nil, state.Boot)
	value = binary.AppendUvarint(value, state.Seq)
	if state.Prev != nil {
		value = append(value, state.Prev[:]...)
	}
	return keyDevice + d.Author().Author().String(), value
}

// rewind sets a device to its journaled state, or to the beginning if nothing is
// known of it.
func (s *Spool) rewind(d *client.Device) (known bool, err error) {
	state := client.DeviceState{Boot: 1}
	value, known := s.Value(keyDevice + d.Author().Author().String())
	if known {
		state, err = decodeDeviceState(value)
	}
	d.Rewind(state)
	return known, err
}

func decodeDeviceState(value []byte) (client.DeviceState, error) {
	r := &recordReader{rest: value}
	state := client.DeviceState{Boot: r.number(), Seq: r.number()}
	switch {
	case r.err != nil || state.Boot == 0:
		return client.DeviceState{}, errors.New("ingest: a journaled device state is malformed")
	case len(r.rest) == entry.HashSize:
		id := entry.StatementID(r.rest)
		state.Prev = &id
	case len(r.rest) != 0:
		return client.DeviceState{}, errors.New("ingest: a journaled device state is malformed")
	}
	return state, nil
}
