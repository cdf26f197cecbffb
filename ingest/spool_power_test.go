package ingest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"indelible/api/client"
	"indelible/ingest/journal/journaltest"
	"indelible/ledger/entry"
	"indelible/test/seed"
)

// kept is all a spool keeps: contents, and the dead letters.
type kept struct {
	contents
	dead map[entry.StatementID]bool
}

func keptIn(t testing.TB, s *Spool) kept {
	t.Helper()
	k := kept{contentsOf(t, s), map[entry.StatementID]bool{}}
	letters, err := s.DeadLetters()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		k.dead[l.Signed.Statement.ID()] = true
	}
	return k
}

func (k kept) equal(other kept) bool {
	return k.contents.equal(other.contents) && maps.Equal(k.dead, other.dead)
}

func (k kept) clone() kept {
	return kept{contents{maps.Clone(k.waiting), maps.Clone(k.values)}, maps.Clone(k.dead)}
}

// powered runs random steps on a spool whose disk loses power.
type powered struct {
	*rand.Rand
	t       *testing.T
	disk    *journaltest.Disk
	spool   *Spool
	model   kept
	devices []*client.Device
	step    int
}

// TestSpoolLosesPower cuts the power at random operations of random histories, kills
// processes, and compares what is found with what may be there: all that was
// acknowledged or seen, and of the step under way nothing, all, or, of a reading that
// becomes a dead letter, both.
func TestSpoolLosesPower(t *testing.T) {
	log := newTestLog(t)
	p := &powered{
		Rand: seed.Rand(t), t: t, disk: journaltest.NewDisk(),
		devices: []*client.Device{newDevice(t, log.id, "eu"), newDevice(t, log.id, "eu")},
	}
	p.open("created", kept{})
	for p.step = range 600 / min(scale, 3) {
		cut := p.IntN(2) == 0
		if cut {
			p.disk.CutAfter(p.IntN(25))
		}
		may, err := p.do()
		switch {
		case err != nil && !errors.Is(err, journaltest.ErrPower):
			t.Fatalf("step %d: %v", p.step, err)
		case err != nil:
			p.restart(append(may, p.model)...)
		case cut:
			p.restart(may[len(may)-1])
		default:
			p.model = may[len(may)-1]
		}
	}
}

// TestSpoolFaults lets single operations fail. Where the spool is not broken the
// process goes on with it, else the next one finds what was acknowledged.
func TestSpoolFaults(t *testing.T) {
	log := newTestLog(t)
	p := &powered{
		Rand: seed.Rand(t), t: t, disk: journaltest.NewDisk(),
		devices: []*client.Device{newDevice(t, log.id, "eu"), newDevice(t, log.id, "eu")},
	}
	p.open("created", kept{})
	for p.step = range 600 / min(scale, 3) {
		if p.IntN(2) == 0 {
			p.disk.FailAfter(p.IntN(25))
		}
		may, err := p.do()
		if err != nil && !errors.Is(err, journaltest.ErrFault) && !errors.Is(err, ErrSpoolBroken) {
			t.Fatalf("step %d: %v", p.step, err)
		}
		p.disk.FailAfter(1 << 30)
		switch {
		case err != nil && p.spool.failure() == nil && p.spool.dead.Failed() == nil && p.IntN(2) == 0:
			for _, r := range p.spool.byID { // of a job that ended
				r.taken = false
			}
			found := keptIn(t, p.spool)
			if !slices.ContainsFunc(append(may, p.model), found.equal) {
				t.Fatalf("step %d, after %v: found %d readings, %d values, %d dead letters", p.step, err, len(found.waiting), len(found.values), len(found.dead))
			}
			p.model = found
		case err != nil:
			p.restart(append(may, p.model)...)
		case p.spool.failure() != nil || p.IntN(10) == 0:
			p.restart(may[len(may)-1])
		default:
			p.model = may[len(may)-1]
		}
	}
}

func (p *powered) open(what string, may ...kept) {
	p.t.Helper()
	var err error
	if p.spool, err = OpenSpool(onDisk(p.disk)); err != nil {
		p.t.Fatalf("step %d, %s: %v", p.step, what, err)
	}
	found := keptIn(p.t, p.spool)
	if may[0].waiting != nil && !slices.ContainsFunc(may, found.equal) {
		p.t.Fatalf("step %d, %s: found %d readings, %d values, %d dead letters", p.step, what, len(found.waiting), len(found.values), len(found.dead))
	}
	p.model = found
}

func (p *powered) restart(may ...kept) {
	p.t.Helper()
	if p.IntN(2) == 0 { // the process first, and the power when the next one has read
		p.disk = p.disk.Kill()
		p.open("killed", may...)
		may = []kept{p.model}
	}
	p.disk = p.disk.Restart(p.Rand)
	p.open("power cut", may...)
}

// do runs a step and returns the states it goes through.
func (p *powered) do() (states []kept, err error) {
	after := p.model.clone()
	switch n := p.IntN(100); {
	case n < 45:
		b := Batch{Values: map[string][]byte{fmt.Sprint("k", p.IntN(5)): fmt.Append(nil, p.step)}}
		for key, value := range b.Values {
			after.values[key] = string(value)
		}
		for range p.IntN(4) {
			signed := sign(p.t, p.devices[p.IntN(2)], p.step)
			b.Readings = append(b.Readings, signed)
			after.waiting[signed.Statement.ID()] = true
		}
		return []kept{after}, p.spool.Commit(b)
	case n < 75:
		return p.leave(after)
	case n < 80:
		delete(after.values, "k1")
		return []kept{after}, p.spool.forgetValues(map[string][]byte{"k1": nil})
	case n < 88:
		return []kept{after}, p.spool.purge(true)
	case n < 93:
		return []kept{after}, p.spool.tidy()
	case n < 97:
		author := p.devices[p.IntN(2)].Author().Author()
		letters, err := p.spool.DeadLetters()
		for _, l := range letters {
			if l.Signed.Statement.Author == author {
				delete(after.dead, l.Signed.Statement.ID())
			}
		}
		if err != nil {
			return []kept{after}, err
		}
		return p.partly(after), p.spool.forgetLetters(author)
	}
	clear(after.dead)
	return p.partly(after), p.spool.PurgeDeadLetters()
}

// partly lists the states in which some of the dead letters that go are gone: their
// segments are destroyed one by one, oldest first.
func (p *powered) partly(after kept) []kept {
	states := []kept{after}
	one := after
	segments := p.spool.dead.Segments()
	for _, g := range slices.Backward(segments) {
		one = one.clone()
		err := readLetters(g, func(_ []byte, l DeadLetter) { one.dead[l.Signed.Statement.ID()] = true })
		if err != nil {
			p.t.Fatal(err)
		}
		states = append(states, one)
	}
	slices.Reverse(states)
	return states
}

func (p *powered) leave(after kept) ([]kept, error) {
	list := takeSome(p.t, p.spool, 1+p.IntN(4))
	both := after.clone()
	for _, l := range list {
		delete(after.waiting, l.id)
	}
	switch p.IntN(3) {
	case 0:
		var proven []provenReading
		for _, l := range list {
			proven = append(proven, provenReading{l.pending, &client.Proven{Statement: l.signed.Statement}})
		}
		return []kept{after}, p.spool.leaveProven(proven)
	case 1:
		return []kept{after}, p.spool.leaveErased(list)
	}
	var refused []refusedReading
	for _, l := range list {
		refused = append(refused, refusedReading{l, entry.Refuse(entry.CodeWrongBinding, "x")})
		both.dead[l.id], after.dead[l.id] = true, true
	}
	if len(refused) == 0 {
		return []kept{after}, nil
	}
	return []kept{both, after}, p.spool.leaveRefused(refused)
}
