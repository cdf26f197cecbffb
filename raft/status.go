package raft

import (
	"maps"
	"slices"
	"time"
)

// Status is what a node knows of itself, for operators. It names no subject,
// no caller and no statement.
type Status struct {
	Node      string
	Ready     bool   // all groups have a leader, a checkpoint is published, and calls are taken in
	Stopped   string // why the node stopped by itself; empty while it runs
	Groups    []GroupStatus
	Published uint64        // size of the newest published checkpoint
	PQ        uint64        // size of the newest with ML-DSA-44 cosignatures
	Age       time.Duration // since the newest was published
}

// GroupStatus is the state of one Raft group on this node.
type GroupStatus struct {
	Jurisdiction string // empty for the global group
	Leader       string // node name; empty while there is none
	Leading      bool   // this node leads, and has committed in this term
	Term         uint64
	Commit       uint64 // newest committed index
	Applied      uint64 // newest index the state machine has folded in
	Durable      uint64 // newest index that would survive a power cut without the Raft log
	FirstLog     uint64 // oldest index still in the Raft log
	LastLog      uint64
	LogBytes     uint64 // bytes of the entries in the Raft log
	Commands     int    // commands handed to Raft and not yet answered
	Entries      int    // entries queued or in flight, both lanes (global group)
	Bytes        int    // their bytes
}

// Metrics are plain counts since the node was opened, each only growing.
type Metrics struct {
	Entries       uint64 // statements that got an index
	Duplicates    uint64 // statements that already had one
	Refused       uint64 // statements the state machine refused
	Marked        uint64 // equivocations appended with their mark
	Commands      uint64 // commands proposed to the global group, ticks and term openings included
	VaultCommands uint64 // commands proposed to jurisdiction groups
	Folded        uint64 // commands folded in by state machines, replayed ones included
	Overloaded    uint64 // calls refused because a queue was full
	Unknown       uint64 // calls whose outcome was not known
	Barriers      uint64 // linearizable read barriers passed
	Publications  uint64 // checkpoints published
	PQ            uint64 // checkpoints given ML-DSA-44 cosignatures
	LogWrites     uint64 // synced writes of the Raft log
	LogBytes      uint64 // bytes of entries written to the Raft log
	Snapshots     uint64 // snapshots taken
}

// Status reports what the node knows of itself now.
func (n *Node) Status() Status {
	s := Status{Node: n.cfg.Name}
	s.Ready = closed(n.ready) && !closed(n.stopping) && n.fault.err() == nil
	if err := n.fault.err(); err != nil {
		s.Stopped = err.Error()
	}
	if p := n.Published(); p != nil {
		s.Published, s.Age = p.Checkpoint.Size, n.cfg.Now().Sub(p.At)
	}
	if p := n.PublishedPQ(); p != nil {
		s.PQ = p.Checkpoint.Size
	}
	global := n.global.status()
	global.Commands = int(n.appender.inFlight.Load())
	global.Entries, global.Bytes = n.appender.lanes.held()
	s.Groups = append(s.Groups, global)
	for _, jurisdiction := range slices.Sorted(maps.Keys(n.vaults)) {
		v := n.vaults[jurisdiction]
		g := v.status()
		g.Commands, g.Bytes = v.room.held()
		s.Groups = append(s.Groups, g)
	}
	return s
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (g *group) status() GroupStatus {
	s := GroupStatus{Jurisdiction: g.jurisdiction, Leader: g.leader(), LogBytes: g.log.logBytes()}
	s.Durable, s.Applied = g.fold.position()
	s.FirstLog, s.LastLog = g.log.bounds()
	if r := g.raft.Load(); r != nil {
		s.Term, s.Commit = r.CurrentTerm(), r.CommitIndex()
	}
	_, _, err := g.leading()
	s.Leading = err == nil
	return s
}

// Metrics returns the counts so far.
func (n *Node) Metrics() Metrics {
	m := Metrics{
		Entries:      n.appender.counts.entries.Load(),
		Duplicates:   n.appender.counts.duplicates.Load(),
		Refused:      n.appender.counts.refused.Load(),
		Marked:       n.appender.counts.marked.Load(),
		Overloaded:   n.overloaded.Load(),
		Unknown:      n.unknown.Load(),
		Publications: n.pub.count.Load(),
		PQ:           n.pub.countPQ.Load(),
		LogWrites:    n.logs.writes.Load(),
		Commands:     n.global.commands.Load(),
	}
	for _, v := range n.vaults {
		m.VaultCommands += v.commands.Load()
	}
	for _, g := range n.groups() {
		m.Folded += g.fold.folded.Load()
		m.Barriers += g.barriers.Load()
		m.LogBytes += g.log.written.Load()
		m.Snapshots += g.snapshots.Load()
	}
	return m
}
