// Package cli holds the tests that keep the whole module in order: who may
// import whom, and how large a file may grow.
package cli

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The road of the system, as imports: each package may use only what stands in
// its row. Names of the module are relative to it; of other modules the path of
// the module, or of a folder in it, is named. The standard library is free
// where a package is not pure.
type law struct {
	ours   []string
	others []string
	pure   bool // no clock, chance, disk, network, goroutine or logger either
}

const gen = "api/gen/..."

// Spelled out once: what the edge is made of.
var (
	connect   = []string{"connectrpc.com", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc"}
	validated = []string{"buf.build/go/protovalidate", "buf.build/gen/go/bufbuild/protovalidate"}
	metrics   = []string{"github.com/prometheus/client_golang"}
	terminal  = []string{"github.com/spf13", "github.com/schollz/progressbar", "golang.org/x/term"}
	sync      = []string{"golang.org/x/sync"}
	pebble    = []string{"github.com/cockroachdb/pebble/v2"}
	merkle    = []string{"github.com/transparency-dev/merkle"}
	mldsa     = []string{"filippo.io/mldsa"}
)

// laws is the table of DESIGN §3, with ledger/state beneath the two state
// machines. A key ending in /... speaks for the folders below as well.
var laws = map[string]law{
	"proof":               {pure: true, others: slices.Concat(merkle, mldsa, []string{"golang.org/x/mod/sumdb/note"})},
	"ledger/entry":        {pure: true, others: []string{"github.com/oasisprotocol/curve25519-voi", "github.com/fxamacker/cbor/v2"}},
	"ledger/state":        {others: pebble},
	"ledger":              {ours: []string{"ledger/entry", "proof", "ledger/state"}, others: slices.Concat(pebble, merkle)},
	"ledger/vault/layout": {pure: true},
	"ledger/vault/store":  {ours: []string{"ledger/entry", "proof", "ledger/state", "ledger/vault/layout"}, others: pebble},
	"ledger/vault/keytree": {
		ours:   []string{"ledger/entry", "ledger/state", "ledger/vault/layout", "ledger/vault/store"},
		others: pebble,
	},
	"ledger/vault": {
		ours:   []string{"ledger/entry", "proof", "ledger/vault/layout", "ledger/vault/store", "ledger/vault/keytree"},
		others: pebble,
	},
	"raft": {
		ours:   []string{"ledger", "ledger/vault/store", "ledger/entry", "proof", "ledger/state"},
		others: slices.Concat(pebble, mldsa, sync, []string{"github.com/hashicorp/raft", "github.com/hashicorp/go-hclog"}),
	},
	gen: {ours: []string{gen}, others: slices.Concat(connect, validated)},
	"api": {
		ours:   []string{gen, "api/edge", "api/wire", "raft", "ledger", "ledger/vault", "ledger/entry", "proof", "ledger/state"},
		others: slices.Concat(connect, metrics, sync),
	},
	"api/edge":              {ours: []string{gen, "api/wire", "ledger", "ledger/entry"}, others: slices.Concat(connect, validated, metrics)},
	"api/wire":              {pure: true, ours: []string{"ledger/entry"}, others: []string{"connectrpc.com/connect"}},
	"api/client":            {ours: []string{gen, "api/wire", "api/client/credential", "ledger/entry", "proof"}, others: connect},
	"api/client/credential": {ours: []string{"ledger/entry", "proof"}},
	"ingest/fhir":           {},
	"ingest/journal":        {},
	"ingest":                {ours: []string{"api/client", "api/client/credential", "ingest/fhir", "ingest/journal", "ledger/entry", "proof"}, others: sync},
	"cli/say":               {ours: []string{"api/client", "api/wire", "ingest", "ledger/entry"}, others: terminal},
	"cli/indelible/...": {
		ours:   []string{gen, "api/client/...", "api/wire", "ingest", "ingest/fhir", "ledger/entry", "proof", "cli/say", "cli/indelible/..."},
		others: slices.Concat(connect, terminal, sync),
	},
	"cli/indelibled/...": {
		ours: []string{
			gen, "api", "api/wire", "raft", "ledger", "ledger/vault", "ledger/vault/store", "ledger/entry", "ledger/state", "proof",
			"api/client/...", "ingest", "ingest/fhir", "cli/say", "cli/indelible/...", "cli/indelibled/...",
		},
		others: slices.Concat(connect, terminal, mldsa, sync, pebble),
	},
	"bench/...": {ours: []string{gen, "api/client/...", "ingest", "proof", "bench/..."}, others: slices.Concat(connect, sync)},
	"cli":       {}, // these tests
	"test/...":  {}, // what tests of all packages share
}

// fences are what must not be reached on any road, however long.
var fences = []struct {
	from, to string
	why      string
}{
	{"cli/indelible/...", "github.com/cockroachdb/pebble/v2/...", "an auditor can read all of indelible: no storage engine"},
	{"cli/indelible/...", "github.com/hashicorp/raft/...", "an auditor can read all of indelible: no consensus"},
	{"cli/indelible/...", "ledger", "the auditor's program trusts no code of the node"},
	{"cli/indelible/...", "raft", "the auditor's program trusts no code of the node"},
	{"cli/indelible/...", "api", "the auditor's program trusts no code of the node"},
	{"api/client/...", "github.com/cockroachdb/pebble/v2/...", "who embeds the client gets no storage engine"},
	{"api/client/...", "github.com/hashicorp/raft/...", "who embeds the client gets no consensus"},
	{"api/client/...", "ledger", "the client believes no node and shares none of its code"},
	{"api/client/...", "raft", "the client believes no node and shares none of its code"},
	{"api/client/...", "api", "the client believes no node and shares none of its code"},
	{"ingest", "ledger", "ingest is a client like any other"},
	{"ingest", "ledger/vault", "ingest is a client like any other"},
	{"ingest", "raft", "ingest is a client like any other"},
	{"ingest", "api", "ingest is a client like any other"},
	{"api/edge", "api", "the edge knows connections and not statements"},
	{"api/edge", "raft", "the edge knows connections and not statements"},
	{"bench/...", "raft", "the bench measures from outside"},
	{"ledger/vault/...", "ledger", "what the vault needs of the log is handed in as functions"},
	{"ledger/vault/...", "raft", "what the vault needs of replication is handed in as functions"},
	{"ledger/vault/store", "ledger/vault/keytree", "the replicated half needs no key and can reach none"},
	{"raft", "ledger/vault/keytree", "what replicates a vault can reach no key"},
	{"ledger", "raft", "nothing points back along the road"},
	{"raft", "api", "nothing points back along the road"},
	{"proof", "ledger/entry", "proof knows hashes, not meaning"},
	{"ledger/entry", "proof", "entry knows meaning, not trees"},
}

// impure are the packages of the standard library through which a clock,
// chance, a disk, a network, another goroutine or a reader of logs comes in.
var impure = []string{
	"context", "crypto/rand", "crypto/tls", "embed", "io/fs", "io/ioutil", "log", "math/rand", "math/rand/v2", "net", "os", "path/filepath",
	"plugin", "runtime", "syscall", "testing", "time", "unsafe",
}

// pureTests are the foreign packages that tests of pure packages may use
// besides those of their law: second implementations.
var pureTests = []string{"github.com/veraison/go-cose"}

func TestImportsFollowTheRoad(t *testing.T) {
	g := readGraph(t)
	for _, p := range g.own() {
		l, ok := lawOf(p.path)
		if !ok {
			t.Errorf("%s is in no row of the import law: nothing may be added beside the folders of DESIGN §3", p.path)
			continue
		}
		for _, to := range p.imports {
			if !l.allows(g, to) {
				t.Errorf("%s must not import %s: %s", p.path, to, g.chainTo(p.path, to))
			}
		}
	}
}

func TestNoRoadAroundTheFences(t *testing.T) {
	g := readGraph(t)
	for _, f := range fences {
		for _, p := range g.own() {
			if !matches(f.from, p.path) {
				continue
			}
			target := func(path string) bool { return path != p.path && matches(f.to, path) }
			if chain := g.chain(p.path, target); chain != nil {
				t.Errorf("%s: %s", f.why, strings.Join(chain, " → "))
			}
		}
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	g := readGraph(t)
	for name, l := range laws {
		if !l.pure {
			continue
		}
		p := g.packages[name]
		if p == nil {
			t.Errorf("%s is not in the module", name)
			continue
		}
		for _, to := range p.imports {
			if g.standard(to) && slices.ContainsFunc(impure, func(bad string) bool { return to == bad || strings.HasPrefix(to, bad+"/") && bad != "runtime" }) && to != "log/slog" {
				t.Errorf("%s is pure and must not import %s", name, to)
			}
		}
		for _, to := range p.testImports {
			foreign := slices.ContainsFunc(pureTests, func(ok string) bool { return matches(ok, to) })
			if !g.standard(to) && to != name && !l.allows(g, to) && !matches("test/...", to) && !foreign || strings.HasPrefix(to, "net/") || to == "net" {
				t.Errorf("%s is pure, and so are its tests, which must not import %s", name, to)
			}
		}
	}
}

// hashicorp/raft has one importer, under the name hraft, so that our package
// may be called raft. Tests are not exempt.
func TestOnlyRaftImportsHashicorpRaft(t *testing.T) {
	for _, spec := range readImports(t) {
		if spec.path != "github.com/hashicorp/raft" {
			continue
		}
		if !matches("raft/...", spec.pkg) {
			t.Errorf("%s imports hashicorp/raft; only package raft may", spec.file)
		}
		if spec.name != "hraft" {
			t.Errorf("%s imports hashicorp/raft as %q; its name here is hraft", spec.file, spec.name)
		}
	}
}

// Product code must not be built from test support.
func TestNoProductImportsTestSupport(t *testing.T) {
	g := readGraph(t)
	for _, p := range g.own() {
		for _, to := range p.imports {
			if g.packages[to] != nil && isTestSupport(to) && !isTestSupport(p.path) {
				t.Errorf("%s is product code and must not import %s", p.path, to)
			}
		}
	}
}

// lawOf finds the row of a package. Test support, a folder named for its parent
// with "test" behind it, may use what the parent may, the parent itself, and
// other test support.
func lawOf(path string) (law, bool) {
	if l, ok := laws[path]; ok {
		return l, true
	}
	for _, key := range slices.Sorted(maps.Keys(laws)) {
		if strings.HasSuffix(key, "/...") && matches(key, path) {
			return laws[key], true
		}
	}
	if parent := parentOfTestSupport(path); parent != "" {
		l, ok := lawOf(parent)
		l.ours = slices.Concat(l.ours, []string{parent}, testSupport)
		l.pure = false
		return l, ok
	}
	return law{}, false
}

// testSupport are the folders that exist for tests of several packages.
var testSupport = []string{"test/...", "ledger/ledgertest/...", "ledger/state/statetest", "ledger/vault/vaulttest/...", "ingest/journal/journaltest", "raft/rafttest/..."}

// TestRulesNameWhatIsThere keeps the table and the list from naming what is gone.
func TestRulesNameWhatIsThere(t *testing.T) {
	g := readGraph(t)
	rules := slices.Concat(testSupport, slices.Collect(maps.Keys(laws)))
	for _, l := range laws {
		rules = append(rules, l.ours...)
	}
	for _, rule := range rules {
		if !slices.ContainsFunc(g.own(), func(p *node) bool { return matches(rule, p.path) }) {
			t.Errorf("%s is not in the module", rule)
		}
	}
	for _, p := range g.own() {
		if isTestSupport(p.path) && !slices.ContainsFunc(testSupport, func(rule string) bool { return matches(rule, p.path) }) {
			t.Errorf("%s is test support and not in the list of it", p.path)
		}
	}
}

func isTestSupport(path string) bool {
	return matches("test/...", path) || parentOfTestSupport(path) != ""
}

// parentOfTestSupport is "raft" for "raft/rafttest" and all below it, and "" for
// product code.
func parentOfTestSupport(path string) string {
	words := strings.Split(path, "/")
	for i := 1; i < len(words); i++ {
		if words[i] == words[i-1]+"test" {
			return strings.Join(words[:i], "/")
		}
	}
	return ""
}

func (l law) allows(g *graph, to string) bool {
	if g.standard(to) {
		return true
	}
	list := l.others
	if g.packages[to] != nil {
		list = l.ours
	}
	return slices.ContainsFunc(list, func(rule string) bool {
		return matches(rule, to) || g.packages[to] == nil && strings.HasPrefix(to, rule+"/")
	})
}

// matches tells whether a rule names a package: itself, or with /... the
// folders below it too.
func matches(rule, path string) bool {
	if root, below := strings.CutSuffix(rule, "/..."); below {
		return path == root || strings.HasPrefix(path, root+"/")
	}
	return path == rule
}
