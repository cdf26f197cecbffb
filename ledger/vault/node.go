package vault

import (
	"encoding/binary"
	"fmt"
)

// nodeKeys are the child keys of a node; a zero key is a child that does not
// exist, or that was erased.
type nodeKeys [fanOut]Key

func (n *nodeKeys) wipe() { clear(n[:]) }

func sealNode(own *Key, n *nodeKeys, associated []byte) ([]byte, error) {
	a, err := own.aead()
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, fanOut*KeySize)
	for i := range n {
		plain = append(plain, n[i][:]...)
	}
	sealed := a.Seal(nil, nil, plain, associated)
	clear(plain)
	return sealed, nil
}

func openNode(own *Key, sealed, associated []byte) (*nodeKeys, error) {
	a, err := own.aead()
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, associated)
	if err != nil {
		return nil, err
	}
	if len(plain) != fanOut*KeySize {
		return nil, errWire
	}
	n := new(nodeKeys)
	for i := range n {
		copy(n[i][:], plain[i*KeySize:])
	}
	clear(plain)
	return n, nil
}

// nodeRow is a node as stored and as a command carries it: the epoch is the
// version of the tree that wrote it.
type nodeRow struct {
	at     place
	epoch  uint64
	sealed []byte
}

func (n nodeRow) value() []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(n.sealed)), n.epoch), n.sealed...)
}

func parseNodeRow(at place, value []byte) (nodeRow, error) {
	if len(value) != 8+nodeSealed {
		return nodeRow{}, fmt.Errorf("vault: node row of %d bytes: %w", len(value), errWire)
	}
	return nodeRow{at: at, epoch: binary.BigEndian.Uint64(value), sealed: value[8:]}, nil
}

// writeNodes and readNodes are a list of nodes in a command; the epoch is the
// command's.
func (w *writer) nodes(list []nodeRow) {
	w.count(len(list))
	for _, n := range list {
		w.u8(n.at.level)
		w.u64(n.at.position)
		w.raw(n.sealed)
	}
}

func (r *reader) nodes(epoch uint64) []nodeRow {
	count := r.count(9 + nodeSealed)
	list := make([]nodeRow, 0, count)
	for range count {
		at := place{level: r.u8()}
		at.position = r.u64()
		list = append(list, nodeRow{at: at, epoch: epoch, sealed: r.take(nodeSealed)})
	}
	return list
}

func placesOf(list []nodeRow) []place {
	places := make([]place, 0, len(list))
	for _, n := range list {
		places = append(places, n.at)
	}
	return places
}
