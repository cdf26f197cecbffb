package commands

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
)

// jsonStatus is how a node is.
type jsonStatus struct {
	Node       string      `json:"node"`
	Version    string      `json:"version"`
	Ready      bool        `json:"ready"`
	Size       uint64      `json:"size"`
	LedgerTime uint64      `json:"ledger_time_ms"`
	Published  uint64      `json:"published_size"`
	Root       string      `json:"published_root"`
	PQ         uint64      `json:"published_ml_dsa_size"`
	Groups     []jsonGroup `json:"groups"`
}

// jsonGroup is one Raft group of it; the global one has no jurisdiction.
type jsonGroup struct {
	Jurisdiction string `json:"jurisdiction"`
	Leader       string `json:"leader"`
	Leading      bool   `json:"leading"`
	Term         uint64 `json:"term"`
	Applied      uint64 `json:"applied"`
	Durable      uint64 `json:"durable"`
	LogBytes     uint64 `json:"log_bytes"`
}

func newStatus(a *app) *cobra.Command {
	return a.asks("status", "Ask a node how it is", cobra.NoArgs, func(ctx context.Context, c *client.Caller, _ []string) error {
		answer, err := c.Status(ctx)
		if err != nil {
			return err
		}
		status := toStatus(answer)
		return a.Result(status, status.show)
	})
}

func toStatus(r *indeliblev1.StatusResponse) jsonStatus {
	out := jsonStatus{
		Node: r.GetNode(), Version: r.GetVersion(), Ready: r.GetReady(), Size: r.GetSize(), LedgerTime: r.GetLedgerTimeMs(),
		Published: r.GetPublished().GetSize(), Root: hex.EncodeToString(r.GetPublished().GetRoot()),
		PQ: r.GetPublishedMlDsa().GetSize(), Groups: []jsonGroup{},
	}
	for _, g := range r.GetGroups() {
		out.Groups = append(out.Groups, jsonGroup{
			Jurisdiction: g.GetJurisdiction(), Leader: g.GetLeader(), Leading: g.GetLeading(), Term: g.GetTerm(),
			Applied: g.GetApplied(), Durable: g.GetDurable(), LogBytes: g.GetLogBytes(),
		})
	}
	return out
}

func (s jsonStatus) show(p *say.Page) {
	ready := "ready"
	if !s.Ready {
		ready = "not ready: a group has no leader, or nothing is published yet"
	}
	p.Row("node", s.Node)
	p.Row("version", s.Version)
	p.Row("state", ready)
	p.Row("entries", s.Size)
	p.Row("ledger time", clock(s.LedgerTime))
	p.Row("published", fmt.Sprintf("%d entries, root %s", s.Published, s.Root))
	p.Row("with ML-DSA-44", fmt.Sprintf("%d entries", s.PQ))
	p.Table("GROUP", "LEADER", "TERM", "APPLIED", "DURABLE", "LOG BYTES")
	for _, g := range s.Groups {
		name := g.Jurisdiction
		if name == "" {
			name = "the log"
		}
		p.Row(name, g.Leader, g.Term, g.Applied, g.Durable, g.LogBytes)
	}
}
