package vault

import (
	"context"
	"errors"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/proof"
)

// envOf joins a vault to the site, as a node's wiring does. The world's first
// node leads.
func (s *site) envOf(which int) Env {
	node := s.world.Nodes[which]
	return Env{
		Propose: s.proposeCommand,
		Barrier: func(ctx context.Context) error { return ctx.Err() },
		Leads:   func() bool { return which == 0 },
		Append:  s.appendOne,
		Tick: func(context.Context) (uint64, error) {
			s.append()
			return s.ledger.Time(), nil
		},
		Entry: func(id entry.StatementID) (Logged, bool, error) {
			index, ok, err := s.ledger.Find(id)
			if err != nil || !ok {
				return Logged{}, false, err
			}
			return s.at(index)
		},
		At:    s.at,
		Owner: s.owner,
		Receipt: func(_ context.Context, id entry.StatementID) (*proof.Receipt, error) {
			return s.receipt(id), nil
		},
		Erasures: func() ([]entry.StatementID, error) { return s.ledger.Erasures(euGroup) },
		Erasure:  s.progress,
		Members: func() ([]Member, error) {
			members := []Member{{Author: s.world.Nodes[0].Author.ID(), Key: s.world.Nodes[0].Author.SPKI()}}
			if s.two {
				second := s.world.Nodes[1].Author
				members = append(members, Member{Author: second.ID(), Key: second.SPKI()})
			}
			return members, nil
		},
		Sign:   func(d entry.Draft) (*entry.Statement, error) { return s.world.TrySign(node.Author, d) },
		Attest: AttestWith(s.random, node.Author.Signer),
	}
}

func (s *site) appendOne(ctx context.Context, st *entry.Statement, sealedAt uint64) (*proof.Receipt, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	out := s.append(ledger.Item{Statement: st.Bytes(), SealedAt: sealedAt})
	if out[0].Refusal != nil {
		return nil, 0, out[0].Refusal
	}
	return s.receipt(st.ID()), out[0].LedgerTime, nil
}

func (s *site) at(index uint64) (Logged, bool, error) {
	st, at, err := s.ledger.Statement(index)
	if errors.Is(err, ledger.ErrBeyond) {
		return Logged{}, false, nil
	}
	return Logged{Index: index, LedgerTime: at, Statement: st}, err == nil, err
}

func (s *site) owner(st *entry.Statement) (entry.Handle, error) {
	if st.Sub.Type == entry.SubHandle {
		return st.Sub.Handle(), nil
	}
	b, ok, err := s.ledger.Binding(st.Sub.Binding())
	if err != nil || !ok {
		return entry.Handle{}, errors.Join(err, errors.New("no such binding"))
	}
	return b.Handle, nil
}

func (s *site) progress(request entry.StatementID) (Progress, bool, error) {
	e, ok, err := s.ledger.Erasure(request)
	if err != nil || !ok {
		return Progress{}, false, err
	}
	p := Progress{Request: request, Scope: e.Scope, Completed: e.Completed != nil}
	if e.Approved != nil {
		p.Approval, p.Approved = e.Approved.Statement, e.Approved.Time
	}
	if e.Cancelled != nil {
		p.Cancel = e.Cancelled.Statement
	}
	for _, x := range e.Executed {
		p.Executed = append(p.Executed, x.Author)
	}
	for _, x := range e.Lost {
		p.Lost = append(p.Lost, x.NodeKey)
	}
	return p, true, nil
}
