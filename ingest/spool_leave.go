package ingest

import (
	"fmt"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// provenReading is a reading with the receipt that lets it leave.
type provenReading struct {
	reading *pending
	proven  *client.Proven
}

// refusedReading is a reading with the reason for which the log will not take it.
type refusedReading struct {
	leased
	refusal *entry.Refusal
}

// leaveProven lets readings leave whose receipts verified. It takes nothing but
// readings together with what verifying them gave, so that no other way leads here.
func (s *Spool) leaveProven(list []provenReading) error {
	c := &commit{}
	for _, l := range list {
		if l.proven == nil || l.proven.Statement.ID() != l.reading.id {
			panic("ingest: a reading without its own receipt must not leave the spool")
		}
		c.left = append(c.left, l.reading)
	}
	return s.leave(c)
}

// leaveErased lets readings leave whose subject is erased. Their openings are
// destroyed by the next purge.
func (s *Spool) leaveErased(list []leased) error {
	c := &commit{erased: true}
	for _, l := range list {
		c.left = append(c.left, l.pending)
	}
	return s.leave(c)
}

// leaveRefused moves readings that the log refused for good to the dead letters.
func (s *Spool) leaveRefused(list []refusedReading) error {
	c := &commit{}
	for _, l := range list {
		c.left = append(c.left, l.pending)
	}
	if err := s.writeLetters(list); err != nil {
		return err
	}
	return s.leave(c)
}

func (s *Spool) leave(c *commit) error {
	if len(c.left) == 0 {
		return nil
	}
	c.size = len(c.left) * recordOverhead
	if err := s.write(c); err != nil {
		return fmt.Errorf("ingest: let readings go: %w", err)
	}
	return nil
}

// forgetValues changes values so that nothing of what they replace stays readable:
// the next purge or tidy destroys every segment there is.
func (s *Spool) forgetValues(values map[string][]byte) error {
	return s.write(&commit{values: values, forgets: true, size: recordOverhead + sizeOf(values)})
}
