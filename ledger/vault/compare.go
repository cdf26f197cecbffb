package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// errLivingKey: a rekey lost a living key, kept a condemned one, or did not
// refresh what it had to. Both roots are in place; the node must stop, and an
// operator must look.
var errLivingKey = errors.New("vault: a rekey did not carry every living key over")

// compare is the living-keys check: with both root versions at hand it opens
// what a rekey replaced and what stands now, and demands that every child that
// lives is the same, every erased leaf is gone, and every node on an erased
// path has a fresh key.
func (v *Vault) compare(s view, old, now top) error {
	places, err := s.oldPlaces()
	if err != nil {
		return err
	}
	erased, err := s.oldErased()
	if err != nil {
		return err
	}
	before, err := openAbove(s, v.provider, v.store.group, old, places, rowOld)
	if err != nil {
		return fmt.Errorf("before the rekey: %w", err)
	}
	defer before.wipe()
	if before.keys[old.place()] == (Key{}) {
		return fmt.Errorf("%w: no key at the top", errLivingKey)
	}
	for _, at := range places {
		own, node, err := openDown(s, v.provider, v.store.group, now, at)
		if err != nil {
			return fmt.Errorf("after the rekey: %w", err)
		}
		same := *own == before.keys[at]
		own.wipe()
		if same {
			return fmt.Errorf("%w: node %d/%d kept its key", errLivingKey, at.level, at.position)
		}
		err = compareNode(at, before, node, erased)
		node.wipe()
		if err != nil {
			return err
		}
	}
	return nil
}

// compareNode looks at the children of one node. A child that was absent before
// may be there now: a block was minted since.
func compareNode(at place, before *branch, now *nodeKeys, erased []uint64) error {
	for i, was := range before.nodes[at] {
		child := at.position<<fanBits | uint64(i)
		fresh := at.level > 1 && before.nodes[place{at.level - 1, child}] != nil
		gone := false
		if at.level == 1 {
			_, gone = slices.BinarySearch(erased, child)
		}
		switch {
		case gone && !now[i].isZero():
			return fmt.Errorf("%w: an erased key is still in the tree", errLivingKey)
		case gone, was.isZero():
		case fresh && (now[i].isZero() || now[i] == was):
			return fmt.Errorf("%w: a node on an erased path was not refreshed", errLivingKey)
		case !fresh && now[i] != was:
			return fmt.Errorf("%w: a living key changed", errLivingKey)
		}
	}
	return nil
}

// oldPlaces lists the nodes a rekey replaced, from the bottom.
func (v view) oldPlaces() ([]place, error) {
	var places []place
	err := v.each(key(rowOld), func(k, _ []byte) (bool, error) {
		if len(k) != 1+1+8 {
			return false, errWire
		}
		if at := (place{k[1], binary.BigEndian.Uint64(k[2:])}); at.level > 0 {
			places = append(places, at)
		}
		return true, nil
	})
	return places, err
}

// placeErased is where the leaves a rekey erased are noted beside what it
// replaced.
var placeErased = place{0, 1}

func (v view) oldErased() ([]uint64, error) {
	list, err := parsed(v, keyNode(rowOld, placeErased), (*reader).u64s)
	if err != nil || list == nil {
		return nil, err
	}
	return *list, nil
}
