package api

import (
	"context"
	"crypto"
	"errors"
	"io"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
	"indelible/raft"
)

// NewEnv joins the vault of a jurisdiction to the log and to its group: it is
// what vault.New wants of the rest of the node. key is the node's author key;
// random serves its signatures.
func NewEnv(jurisdiction string, log *ledger.Ledger, node *raft.Node, key crypto.Signer, random io.Reader) vault.Env {
	e := env{replica: replica{log: log, node: node}, jurisdiction: jurisdiction}
	return vault.Env{
		Propose: func(ctx context.Context, c vault.Command) (vault.Result, error) {
			return node.Propose(ctx, jurisdiction, c)
		},
		Barrier:  func(ctx context.Context) error { return node.Barrier(ctx, jurisdiction) },
		Leads:    func() bool { return node.Leads(jurisdiction) },
		Append:   e.replica.append,
		Tick:     node.Tick,
		Entry:    e.find,
		At:       e.at,
		Owner:    e.replica.owner,
		Receipt:  e.replica.receiptOf,
		Erasures: func() ([]entry.StatementID, error) { return log.Erasures(jurisdiction) },
		Erasure:  e.progress,
		Members:  e.members,
		Sign:     func(d entry.Draft) (*entry.Statement, error) { return d.Sign(random, key) },
		Attest:   vault.AttestWith(random, key),
	}
}

// env is what a vault sees of the log.
type env struct {
	replica      replica
	jurisdiction string
}

func (e env) find(id entry.StatementID) (vault.Logged, bool, error) {
	index, ok, err := e.replica.log.Find(id)
	if err != nil || !ok {
		return vault.Logged{}, false, err
	}
	return e.at(index)
}

func (e env) at(index uint64) (vault.Logged, bool, error) {
	statement, time, err := e.replica.log.Statement(index)
	if errors.Is(err, ledger.ErrBeyond) {
		return vault.Logged{}, false, nil
	}
	if err != nil {
		return vault.Logged{}, false, err
	}
	return vault.Logged{Index: index, LedgerTime: time, Statement: statement}, true, nil
}

func (e env) progress(request entry.StatementID) (vault.Progress, bool, error) {
	erasure, ok, err := e.replica.log.Erasure(request)
	if err != nil || !ok {
		return vault.Progress{}, false, err
	}
	p := vault.Progress{Request: request, Scope: erasure.Scope, Completed: erasure.Completed != nil}
	if erasure.Approved != nil {
		p.Approval, p.Approved = erasure.Approved.Statement, erasure.Approved.Time
	}
	if erasure.Cancelled != nil {
		p.Cancel = erasure.Cancelled.Statement
	}
	for _, x := range erasure.Executed {
		p.Executed = append(p.Executed, x.Author)
	}
	for _, x := range erasure.Lost {
		p.Lost = append(p.Lost, x.NodeKey)
	}
	return p, true, nil
}

// members are the nodes placed in the jurisdiction.
func (e env) members() ([]vault.Member, error) {
	var members []vault.Member
	placed, err := e.replica.placed(e.jurisdiction)
	for _, node := range placed {
		members = append(members, vault.Member{Author: node.key.Author(), Key: node.key.SPKI()})
	}
	return members, err
}
