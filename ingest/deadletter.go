package ingest

import (
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// DeadLetter is a reading that the log refused for good. It lies sealed beside
// the spool until somebody has looked at it and calls PurgeDeadLetters, or until its
// subject is erased.
type DeadLetter struct {
	Signed *Signed
	Code   entry.Code
	Text   string
	At     uint64 // when it was refused, Unix ms, by this machine's clock
}

// writeDead makes refused readings durable as a segment of their own, before they
// leave the queue. A crash in between leaves a second copy, which DeadLetters
// does not list again.
func (s *Spool) writeDead(list []buried) error {
	at := uint64(s.cfg.Now().UnixMilli())
	letters := make([][]byte, len(list))
	for i, l := range list {
		letters[i] = appendRefused(nil, l.refusal, at, l.signed)
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	return s.writeLetters(letters)
}

// writeLetters writes a segment of dead letters. The caller holds writer.
func (s *Spool) writeLetters(letters [][]byte) error {
	numbers, err := segmentNumbers(s.dead)
	if err != nil {
		return err
	}
	next := uint64(1)
	if len(numbers) > 0 {
		next = numbers[len(numbers)-1] + 1
	}
	g, err := createSegment(s.dead, next, s.cfg.Rand)
	if err != nil {
		return err
	}
	for _, letter := range letters {
		if _, err := g.write(letter); err != nil {
			return errors.Join(err, g.close())
		}
	}
	return errors.Join(g.publish(), g.close())
}

// readLetters reads a segment of dead letters.
func (s *Spool) readLetters(number uint64, each func(payload []byte, letter DeadLetter)) error {
	g, err := openSegment(s.dead, number)
	if err != nil {
		return err
	}
	err = g.scan(false, func(_ frameAt, payload []byte) error {
		letter, err := parseRefused(payload)
		if err == nil {
			each(payload, letter)
		}
		return err
	})
	return errors.Join(err, g.close())
}

// forgetLetters destroys the dead letters of one author, because the subject is
// erased; those of others are copied before.
func (s *Spool) forgetLetters(author entry.AuthorID) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	numbers, err := segmentNumbers(s.dead)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		var keep [][]byte
		found := false
		err := s.readLetters(number, func(payload []byte, letter DeadLetter) {
			if letter.Signed.Statement.Author == author {
				found = true
				return
			}
			keep = append(keep, payload)
		})
		if err == nil && found && len(keep) > 0 {
			err = s.writeLetters(keep)
		}
		if err == nil && found {
			err = destroyFiles(s.dead, number)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeadLetters opens and lists them, oldest first.
func (s *Spool) DeadLetters() ([]DeadLetter, error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	numbers, err := segmentNumbers(s.dead)
	if err != nil {
		return nil, err
	}
	var list []DeadLetter
	seen := map[entry.StatementID]bool{}
	for _, number := range numbers {
		err := s.readLetters(number, func(_ []byte, letter DeadLetter) {
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

func parseRefused(payload []byte) (DeadLetter, error) {
	r := &recordReader{rest: payload}
	if r.kind() != recordRefused {
		return DeadLetter{}, fmt.Errorf("ingest: dead letter: %w", errRecord)
	}
	letter := DeadLetter{Code: entry.Code(r.bytes()), Text: string(r.bytes()), At: r.number()}
	letter.Signed = r.signed()
	if r.err != nil || r.more() {
		return DeadLetter{}, fmt.Errorf("ingest: dead letter: %w", errRecord)
	}
	return letter, nil
}

// PurgeDeadLetters destroys the keys of all dead letters.
func (s *Spool) PurgeDeadLetters() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	numbers, err := segmentNumbers(s.dead)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if err := destroyFiles(s.dead, number); err != nil {
			return err
		}
	}
	return nil
}
