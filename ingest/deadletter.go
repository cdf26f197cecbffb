package ingest

import (
	"fmt"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
)

// DeadLetter is a reading that the log refused for good. It lies sealed beside
// the spool until somebody has looked at it and calls PurgeDeadLetters, or until its
// subject is erased.
type DeadLetter struct {
	Signed *client.Signed
	Code   entry.Code
	Text   string
	At     uint64 // when it was refused, Unix ms, by this machine's clock
}

// writeLetters makes refused readings durable as dead letters, before they leave the
// spool. A crash in between leaves a second copy, which DeadLetters does not list again.
func (s *Spool) writeLetters(list []refusedReading) error {
	now := uint64(s.cfg.Now().UnixMilli())
	letters, size := make([][]byte, len(list)), 0
	for i, l := range list {
		letters[i] = refusedRecord(l.refusal, now, l.signed)
		size += len(letters[i]) + journal.RecordOverhead
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	if g := s.dead.Active(); g != nil && g.Size() < s.cfg.SegmentBytes && size <= maxFrame {
		_, err := s.dead.Append(letters...)
		return err
	}
	return s.rotateLetters(letters)
}

func (s *Spool) rotateLetters(letters [][]byte) error {
	return s.dead.Rotate(func(add func([]byte) (journal.Address, error)) error {
		for _, letter := range letters {
			if _, err := add(letter); err != nil {
				return err
			}
		}
		return nil
	})
}

// readLetters reads a segment of dead letters.
func readLetters(g *journal.Segment, each func(record []byte, letter DeadLetter)) error {
	return g.Scan(func(_ journal.Address, record []byte) error {
		r := readRecord(record, recordRefused)
		letter := DeadLetter{Code: entry.Code(r.bytes()), Text: string(r.bytes()), At: r.number()}
		letter.Signed = r.signed()
		if err := r.end(); err != nil {
			return fmt.Errorf("%w: dead letter: %w", ErrSpoolCorrupt, err)
		}
		each(record, letter)
		return nil
	})
}

// letters are the segments of dead letters. The caller holds writer.
func (s *Spool) letters() ([]*journal.Segment, error) {
	if err := s.dead.Failed(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpoolBroken, err)
	}
	return s.dead.Segments(), nil
}

// forgetLetters destroys the dead letters of one author, because the subject is
// erased; those of others are copied before.
func (s *Spool) forgetLetters(author entry.AuthorID) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	segments, err := s.letters()
	if err != nil {
		return err
	}
	var keep [][]byte
	var holding []*journal.Segment
	for _, g := range segments {
		var others [][]byte
		found := false
		err := readLetters(g, func(record []byte, letter DeadLetter) {
			if letter.Signed.Statement.Author == author {
				found = true
			} else {
				others = append(others, record)
			}
		})
		if err != nil {
			return err
		}
		if found {
			holding, keep = append(holding, g), append(keep, others...)
		}
	}
	if len(holding) == 0 {
		return nil
	}
	if err := s.rotateLetters(keep); err != nil {
		return err
	}
	return s.destroyLetters(holding)
}

func (s *Spool) destroyLetters(list []*journal.Segment) error {
	for _, g := range list {
		if err := s.dead.Destroy(g); err != nil {
			return err
		}
	}
	return nil
}

// DeadLetters opens and lists them, oldest first.
func (s *Spool) DeadLetters() ([]DeadLetter, error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	segments, err := s.letters()
	if err != nil {
		return nil, err
	}
	var list []DeadLetter
	seen := map[entry.StatementID]bool{}
	for _, g := range segments {
		err := readLetters(g, func(_ []byte, letter DeadLetter) {
			if id := letter.Signed.Statement.ID(); !seen[id] {
				seen[id] = true
				list = append(list, letter)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// PurgeDeadLetters destroys the keys of all dead letters.
func (s *Spool) PurgeDeadLetters() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	segments, err := s.letters()
	if err != nil {
		return err
	}
	return s.destroyLetters(segments)
}
