package ingest

import (
	"fmt"

	"indelible/ledger/entry"
)

// settle lets readings go whose receipts verified. It takes nothing but readings
// together with what verifying them gave, so that no other way leads here.
func (s *Spool) settle(list []settled) error {
	c := &commit{}
	for _, l := range list {
		if l.proven == nil || l.proven.Statement.ID() != l.reading.id {
			panic("ingest: a reading without its own receipt must not leave the spool")
		}
		c.left = append(c.left, l.reading)
		c.size += recordOverhead
	}
	return s.leaveAll(c)
}

// settled is a reading with the receipt that lets it go.
type settled struct {
	reading *pending
	proven  *Proven
}

// forget lets readings go whose subject is erased. Their openings are destroyed
// by the next purge.
func (s *Spool) forget(list []leased) error {
	c := &commit{erased: true}
	for _, l := range list {
		c.left = append(c.left, l.pending)
		c.size += recordOverhead
	}
	return s.leaveAll(c)
}

// forgetValues changes the journal so that nothing of what the values replace stays
// readable: the next purge or tidy destroys every segment there is.
func (s *Spool) forgetValues(values map[string][]byte) error {
	c := &commit{values: values, forgets: true, size: recordOverhead}
	for key, value := range values {
		c.size += len(key) + len(value) + recordOverhead
	}
	return s.write(c)
}

// bury moves readings that the log refused for good to the dead letters.
func (s *Spool) bury(list []buried) error {
	c := &commit{}
	for _, l := range list {
		c.left = append(c.left, l.pending)
		c.size += recordOverhead
	}
	if err := s.writeDead(list); err != nil {
		return err
	}
	return s.leaveAll(c)
}

// buried is a reading with the reason for which the log will not take it.
type buried struct {
	leased
	refusal *entry.Refusal
}

func (s *Spool) leaveAll(c *commit) error {
	if len(c.left) == 0 {
		return nil
	}
	if err := s.write(c); err != nil {
		return fmt.Errorf("ingest: let readings go: %w", err)
	}
	return nil
}
