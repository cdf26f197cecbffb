package ledger

import (
	"encoding/binary"

	"indelible/ledger/entry"
)

// Devices returns up to limit authors of role device, in the order of their
// ids, after the given one.
func (l *Ledger) Devices(after entry.AuthorID, limit int) ([]*Author, error) {
	var devices []*Author
	start := append(bytesKey(keyAuthor, after[:]), 0)
	err := l.tables.authors.each(l.db, start, func(_ []byte, a *Author) error {
		if len(devices) >= limit {
			return errEnough
		}
		if a.Role == entry.RoleDevice {
			devices = append(devices, a)
		}
		return nil
	})
	return devices, err
}

// Sent sums up the sequence of a device.
type Sent struct {
	HighestBoot   uint64 // 0 before its first statement
	Equivocations uint64 // statements at a number that was used before
}

// Sent sums up what a device has sent; zero for an author that is none.
func (l *Ledger) Sent(id entry.AuthorID) (Sent, error) {
	a, ok, err := l.Author(id)
	if err != nil || !ok {
		return Sent{}, err
	}
	var sent Sent
	key, _, err := lastBelow(l.db, numberKey(keyUsed, a.no))
	if err != nil || key == nil {
		return Sent{}, err
	}
	sent.HighestBoot = binary.BigEndian.Uint64(key[9:])
	err = scan(l.db, numberKey(keyRepeat, a.no), nil, func(_, _ []byte) error {
		sent.Equivocations++
		return nil
	})
	return sent, err
}
