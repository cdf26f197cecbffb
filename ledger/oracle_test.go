package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"indelible/ledger"
	"indelible/ledger/entry"
)

// oracle judges a second time, from FORMATS §1 and §3, as naively as
// possible: everything in maps, chains walked link by link, and instead of one
// reason for a refusal the set of all that apply.
type oracle struct {
	time     uint64
	log      []oracleEntry
	ids      map[entry.StatementID]int
	used     map[string][]int // author, boot, seq
	requests map[string]bool  // author, request id
	authors  map[entry.AuthorID]*oracleAuthor
	cas      map[string]bool
	handles  map[entry.Handle]*oracleHandle
	bindings map[entry.BindingID]*oracleBinding
	nodes    map[string]*oracleNode
	erasures map[entry.StatementID]*oracleErasure
	holds    map[entry.StatementID]*oracleHold
	pending  map[entry.StatementID]bool // true once confirmed
	rules    map[string]entry.JurisdictionRule
	id       entry.LogID
	single   bool
}

type oracleEntry struct {
	s            *entry.Statement
	time         uint64
	marked, late bool
}

type oracleAuthor struct {
	key      *entry.PublicKey
	role     entry.Role
	state    ledger.AuthorState
	where    []string
	all      bool
	linkable bool
	handle   entry.Handle
	j        string
	node     string
	upto     *entry.StatementID
	boot     uint64
}

type oracleHandle struct {
	class entry.HandleClass
	j     string
	open  bool
}

type oracleBinding struct {
	handle entry.Handle
	author entry.AuthorID
	j      string
	from   uint64
	to     *uint64
	closed bool
}

type oracleNode struct {
	record  entry.Node
	author  entry.AuthorID
	present bool
}

type oracleErasure struct {
	j                              string
	requester                      entry.AuthorID
	approvedAt                     uint64
	approved, cancelled, completed bool
	executed, lost                 map[string]bool
}

type oracleHold struct {
	j        string
	released bool
}

// verdict is what the oracle expects of one submission.
type verdict struct {
	reasons      []entry.Code // none: accepted
	index        int
	duplicate    bool
	marked, late bool
}

func newOracle(genesis *entry.Statement) *oracle {
	g := genesis.Body.(*entry.Genesis)
	o := &oracle{
		time: genesis.IssuedAt, ids: map[entry.StatementID]int{genesis.ID(): 0}, used: map[string][]int{},
		requests: map[string]bool{}, authors: map[entry.AuthorID]*oracleAuthor{}, cas: map[string]bool{},
		handles: map[entry.Handle]*oracleHandle{}, bindings: map[entry.BindingID]*oracleBinding{},
		nodes: map[string]*oracleNode{}, erasures: map[entry.StatementID]*oracleErasure{},
		holds: map[entry.StatementID]*oracleHold{}, pending: map[entry.StatementID]bool{},
		rules: map[string]entry.JurisdictionRule{}, id: genesis.LogID(), single: len(g.Registrars) == 1,
		log: []oracleEntry{{s: genesis, time: genesis.IssuedAt}},
	}
	for _, r := range g.Jurisdictions {
		o.rules[r.Name] = r
	}
	for _, k := range g.Registrars {
		o.enrol(k, &oracleAuthor{role: entry.RoleRegistrar, all: true})
	}
	for _, k := range g.Operators {
		o.enrol(k, &oracleAuthor{role: entry.RoleOperator, all: true})
	}
	for _, n := range g.Nodes {
		o.addNode(n)
	}
	o.requests[requestKey(genesis)] = true
	return o
}

func (o *oracle) enrol(spki []byte, a *oracleAuthor) {
	key, err := entry.ParsePublicKey(spki)
	if err != nil {
		panic(err)
	}
	a.key, a.state = key, ledger.AuthorActive
	o.authors[key.Author()] = a
}

func (o *oracle) addNode(n entry.Node) {
	o.enrol(n.AuthorKey, &oracleAuthor{role: entry.RoleNode, where: n.Placement, node: n.Name})
	o.nodes[n.Name] = &oracleNode{record: n, author: sha256.Sum256(n.AuthorKey), present: true}
}

func requestKey(s *entry.Statement) string { return fmt.Sprintf("%s/%s", s.Author, s.Request) }
func placeKey(s *entry.Statement) string   { return fmt.Sprintf("%s/%d/%d", s.Author, s.Boot, s.Seq) }

// submit judges a statement in a command of the given time.
func (o *oracle) submit(raw []byte, sealedAt, commanded uint64) verdict {
	o.time = max(o.time, commanded)
	s, err := entry.Parse(raw)
	if err != nil {
		return verdict{reasons: []entry.Code{err.(*entry.Refusal).Code}}
	}
	if index, ok := o.ids[s.ID()]; ok {
		e := o.log[index]
		return verdict{index: index, duplicate: true, marked: e.marked, late: e.late}
	}
	v := verdict{index: len(o.log)}
	v.reasons, v.late = o.judge(s, sealedAt, commanded)
	if len(v.reasons) > 0 {
		return v
	}
	place := o.used[placeKey(s)]
	v.marked = s.Request == nil && len(place) > 0
	if v.marked {
		o.log[place[0]].marked = true
	}
	o.ids[s.ID()] = v.index
	o.log = append(o.log, oracleEntry{s: s, time: o.time, marked: v.marked, late: v.late})
	if s.Request == nil {
		o.used[placeKey(s)] = append(place, v.index)
		o.authors[s.Author].boot = max(o.authors[s.Author].boot, s.Boot)
	} else {
		o.requests[requestKey(s)] = true
	}
	o.accept(s)
	return v
}

func (o *oracle) accept(s *entry.Statement) {
	switch {
	case s.Confirms != nil:
		o.pending[*s.Confirms] = true
		o.enact(o.log[o.ids[*s.Confirms]].s)
	case !o.single && o.needsTwo(s):
		o.pending[s.ID()] = false
	default:
		o.enact(s)
	}
}

func (o *oracle) needsTwo(s *entry.Statement) bool {
	two := []entry.Role{entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService}
	switch b := s.Body.(type) {
	case *entry.CAChange, *entry.PolicyChange, *entry.NodeChange:
		return true
	case *entry.Hold:
		return b.Action == entry.HoldRelease
	case *entry.AuthorChange:
		if b.Action == entry.AuthorEnrol {
			return slices.Contains(two, b.Role)
		}
		return b.Action == entry.AuthorResume && slices.Contains(two, o.authors[b.Author].role)
	}
	return false
}

// enact is the effect of a statement, at the time o.time.
func (o *oracle) enact(s *entry.Statement) {
	switch b := s.Body.(type) {
	case *entry.AuthorChange:
		o.enactAuthor(s, b)
	case *entry.CAChange:
		o.cas[string(b.Key)] = b.Action == entry.CAActivate
	case *entry.HandleChange:
		if b.Action == entry.ActionOpen {
			o.handles[s.Sub.Handle()] = &oracleHandle{class: b.Class, j: s.Jurisdiction, open: true}
		} else {
			o.handles[s.Sub.Handle()].open = false
		}
	case *entry.BindingChange:
		if b.Action == entry.ActionOpen {
			o.bindings[b.Binding] = &oracleBinding{handle: b.Handle, author: b.Author, j: s.Jurisdiction, from: b.From, to: b.To}
		} else {
			o.bindings[b.Binding].closed, o.bindings[b.Binding].to = true, b.To
		}
	case *entry.Erasure:
		o.enactErasure(s, b)
	case *entry.Hold:
		if b.Action == entry.HoldSet {
			o.holds[s.ID()] = &oracleHold{j: s.Jurisdiction}
		} else {
			o.holds[b.Set].released = true
		}
	case *entry.NodeChange:
		o.enactNode(b)
	}
}

func (o *oracle) enactAuthor(s *entry.Statement, b *entry.AuthorChange) {
	switch b.Action {
	case entry.AuthorEnrol:
		o.enrol(b.Key, &oracleAuthor{
			role: b.Role, where: b.Jurisdictions, linkable: b.Linkable, handle: s.Sub.Handle(), j: s.Jurisdiction,
		})
	case entry.AuthorSuspend:
		o.authors[b.Author].state = ledger.AuthorSuspended
	case entry.AuthorResume:
		o.authors[b.Author].state = ledger.AuthorActive
	case entry.AuthorRevoke:
		o.authors[b.Author].state, o.authors[b.Author].upto = ledger.AuthorRevoked, b.Upto
	}
}

func (o *oracle) enactErasure(s *entry.Statement, b *entry.Erasure) {
	e := o.erasures[b.Request]
	switch b.Step {
	case entry.StepRequest:
		o.erasures[s.ID()] = &oracleErasure{
			j: s.Jurisdiction, requester: s.Author, executed: map[string]bool{}, lost: map[string]bool{},
		}
	case entry.StepApprove:
		e.approved, e.approvedAt = true, o.time
	case entry.StepCancel:
		e.cancelled = true
	case entry.StepComplete:
		e.completed = true
	case entry.StepExecuted:
		e.executed[o.authors[s.Author].node] = true
	case entry.StepLost:
		e.lost[o.authors[b.Node].node] = true
	}
}

func (o *oracle) enactNode(b *entry.NodeChange) {
	n := o.nodes[b.Node.Name]
	switch b.Action {
	case entry.NodeAdded:
		o.addNode(b.Node)
	case entry.NodeRemoved:
		n.present = false
		o.authors[n.author].state = ledger.AuthorRevoked
	case entry.NodeKeys:
		if n.author == sha256.Sum256(b.Node.AuthorKey) {
			n.record = b.Node
			o.authors[n.author].where = b.Node.Placement
			return
		}
		o.authors[n.author].state = ledger.AuthorRevoked
		o.addNode(b.Node)
	}
}
