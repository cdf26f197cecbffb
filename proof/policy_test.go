package proof

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestPoliciesRoundTrip(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 1, 1)
	witness, err := NewCosigner("witness.example/w1", edKey(77))
	if err != nil {
		t.Fatal(err)
	}
	rich := l.majority(true).Spec()
	rich.From, rich.To = 5, MaxSize
	rich.LogURL = "https://log.example/indelible"
	rich.Witnesses = append(rich.Witnesses, PolicyWitness{Name: "w\u00e9", VKey: witness.VKey(), URL: "https://witness.example/"})
	rich.Groups = append(rich.Groups, PolicyGroup{Name: "both", Threshold: 2, Members: []string{"majority", "w\u00e9"}})
	rich.Quorum = "both"
	for what, p := range map[string]*Policy{
		"majority":        l.policy(),
		"ML-DSA majority": l.majority(true),
		"with a witness":  l.policyOf(NewPolicy(rich)),
		"no quorum":       l.policyOf(NewPolicy(PolicySpec{LogVKey: tesseraVKey, Quorum: "none", To: 1})),
	} {
		file := p.Marshal()
		again, err := ParsePolicy(file)
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, file)
		}
		if !reflect.DeepEqual(p.Spec(), again.Spec()) || string(again.Marshal()) != string(file) {
			t.Errorf("%s: read back as\n%s\nfrom\n%s", what, again.Marshal(), file)
		}
	}
	if p := l.policy(); p.LogID() != l.id || p.Origin() != testOrigin {
		t.Errorf("policy of log %x, origin %s", p.LogID(), p.Origin())
	}
}

func TestPolicyIsNotChangedFromOutside(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	spec := l.majority(false).Spec()
	p := l.policyOf(NewPolicy(spec))
	spec.Groups[0].Members[0] = "nobody"
	spec.Witnesses[0].Name = "changed"
	p.Spec().Groups[0].Members[0] = "nobody"
	if _, err := p.VerifyCheckpoint(l.note(9, l.nodes[0], l.nodes[2])); err != nil {
		t.Errorf("majority after the specification was changed: %v", err)
	}
}

// Quorums are compared with the sets of signers written down by hand.
func TestQuorums(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	aud := fmt.Sprintf("# indelible aud %x\n# indelible sizes 1-\nlog %s\n", l.id, l.log.VKey())
	for i, n := range l.nodes {
		aud += fmt.Sprintf("witness n%d %s\n", i+1, n.VKey())
	}
	cases := []struct {
		rules string
		met   string // which of the eight subsets of {1,2,3}, as digits of a bit mask
	}{
		{"quorum none", "01234567"},
		{"quorum n1", "1357"},
		{"group g any n1 n3\nquorum g", "1345 67"},
		{"group g all n1 n3\nquorum g", "57"},
		{"group g 2 n1 n2 n3\nquorum g", "3567"},
		{"group g 3 n1 n2 n3\nquorum g", "7"},
		{"group a any n2 n3\ngroup b all n1 a\nquorum b", "357"},
		{"group a all n1 n2\ngroup b any a n3\nquorum b", "34567"},
		{"group a all n1 n2\nquorum n3", "4567"},
	}
	for _, c := range cases {
		p, err := ParsePolicy([]byte(aud + c.rules + "\n"))
		if err != nil {
			t.Fatalf("%q: %v", c.rules, err)
		}
		for mask := range 8 {
			var by []*Cosigner
			for i, n := range l.nodes {
				if mask>>i&1 == 1 {
					by = append(by, n)
				}
			}
			_, err := p.VerifyCheckpoint(l.note(9, by...))
			if want := strings.Contains(c.met, fmt.Sprint(mask)); (err == nil) != want {
				t.Errorf("%q with signers %03b: error %v, met %v", c.rules, mask, err, want)
			} else if err != nil {
				wantError(t, c.rules, err, ErrQuorum)
			}
		}
	}
}

// policyLines is a good policy, line by line, to be spoilt in one place.
type policyLines struct {
	t                                          *testing.T
	l                                          *testLog
	good, body                                 string
	aud, sizes, log, w1, w2, w3, group, quorum string
	key1, key2                                 string
}

func newPolicyLines(t *testing.T) policyLines {
	l := newTestLog(t, "genesis", testOrigin, 1, 1)
	good := string(l.policy().Marshal())
	at := strings.SplitAfter(good, "\n")
	return policyLines{
		t: t, l: l, good: good, body: strings.Join(at[2:8], ""),
		aud: at[0], sizes: at[1], log: at[2], w1: at[3], w2: at[4], w3: at[5], group: at[6], quorum: at[7],
		key1: strings.Fields(at[3])[2], key2: strings.Fields(at[4])[2],
	}
}

// swap puts something else in the place of a part that must be there.
func (p policyLines) swap(part, other string) string {
	p.t.Helper()
	if !strings.Contains(p.good, part) {
		p.t.Fatalf("the policy has no %q", part)
	}
	return strings.Replace(p.good, part, other, 1)
}

// crowded has more witnesses than the limit.
func (p policyLines) crowded() string {
	many := p.good
	for i := range MaxWitnesses {
		line := fmt.Sprintf("witness m%d %s\n", i, CosignerVKey(fmt.Sprint("m", i), edPublic(byte(100+i))))
		many = strings.Replace(many, p.group, line+p.group, 1)
	}
	return many
}

func (p policyLines) spoiltBindings() map[string]string {
	return map[string]string{
		"nothing":                    "",
		"only aud":                   p.aud,
		"only the binding":           p.aud + p.sizes,
		"no aud":                     p.sizes + p.body,
		"no sizes":                   p.aud + p.body,
		"sizes before aud":           p.sizes + p.aud + p.body,
		"a comment before aud":       "# hello\n" + p.good,
		"an empty line before aud":   "\n" + p.good,
		"aud twice":                  p.aud + p.sizes + p.aud + p.body,
		"aud again, with tabs":       p.good + "#\tindelible\taud 00\n",
		"sizes again at the end":     p.good + " " + p.sizes,
		"aud in capitals":            strings.ToUpper(p.aud[:17]) + p.aud[17:] + p.sizes + p.body,
		"aud in capital digits":      p.aud[:16] + strings.ToUpper(p.aud[16:]) + p.sizes + p.body,
		"aud of 62 digits":           p.swap(p.aud, p.aud[:len(p.aud)-3]+"\n"),
		"aud of 66 digits":           p.swap(p.aud, p.aud[:len(p.aud)-1]+"00\n"),
		"aud with a space after it":  p.swap(p.aud, p.aud[:len(p.aud)-1]+" \n"),
		"sizes without dash":         p.swap("sizes 1-", "sizes 1"),
		"sizes without first":        p.swap("sizes 1-", "sizes -5"),
		"sizes with a zero in front": p.swap("sizes 1-", "sizes 01-"),
		"sizes ending in 0":          p.swap("sizes 1-", "sizes 0-0"),
		"sizes that end before":      p.swap("sizes 1-", "sizes 7-6"),
		"sizes above 63 bits":        p.swap("sizes 1-", "sizes 1-9223372036854775808"),
	}
}

func (p policyLines) spoiltMembers() map[string]string {
	return map[string]string{
		"no log":                        p.swap(p.log, ""),
		"two logs":                      p.swap(p.log, p.log+"log "+tesseraVKey+"\n"),
		"the log twice":                 p.swap(p.log, p.log+p.log),
		"a log without key":             p.swap(p.log, "log\n"),
		"a log with a third word":       p.swap(p.log, strings.TrimSuffix(p.log, "\n")+" https://a b\n"),
		"a log with a cosigner key":     p.swap(p.log, "log "+p.key1+"\n"),
		"a log with a broken key":       p.swap(p.log, "log "+testOrigin+"+00000000+AAAA\n"),
		"no quorum":                     p.swap(p.quorum, ""),
		"two quorums":                   p.swap(p.quorum, p.quorum+"quorum none\n"),
		"a quorum of nobody":            p.swap(p.quorum, "quorum nobody\n"),
		"a quorum of two words":         p.swap(p.quorum, "quorum node:node1 node:node2\n"),
		"a quorum before its group":     p.aud + p.sizes + p.log + p.w1 + p.w2 + p.w3 + p.quorum + p.group,
		"a witness without key":         p.swap(p.w1, "witness node:node1\n"),
		"a witness with four words":     p.swap(p.w1, strings.TrimSuffix(p.w1, "\n")+" https://a b\n"),
		"a witness called none":         p.swap(p.w1, strings.Replace(p.w1, "node:node1", "none", 1)),
		"a witness name used twice":     p.swap(p.w2, strings.Replace(p.w2, "node:node2", "node:node1", 1)),
		"a witness key used twice":      p.swap(p.w2, strings.Replace(p.w2, p.key2, p.key1, 1)),
		"a key under two names":         p.swap(p.w2, "witness node:node2 "+CosignerVKey("elsewhere", edPublic(2))+"\n"),
		"a node with both its keys":     p.swap(p.w2, "witness node:node2 "+p.l.pqNodes[0].VKey()+"\n"),
		"a node that has the log's key": p.swap(p.w2, "witness node:node2 "+CosignerVKey("node2", edPublic(1))+"\n"),
		"a witness with the log's vkey": p.swap(p.w2, "witness node:node2 "+p.l.log.VKey()+"\n"),
	}
}

func (p policyLines) spoiltRules() map[string]string {
	return map[string]string{
		"a group without members":        p.swap(p.group, "group majority 1\n"),
		"a group of none":                p.swap(p.group, "group majority 1 none\n"),
		"a group of strangers":           p.swap(p.group, "group majority 1 stranger\n"),
		"a group before its members":     p.aud + p.sizes + p.log + p.w1 + p.w2 + p.group + p.w3 + p.quorum,
		"a group that holds itself":      p.swap(p.group, "group majority 1 majority\n"),
		"a member twice":                 p.swap(p.group, "group majority 2 node:node1 node:node1\n"),
		"a member of two groups":         p.swap(p.group, p.group+"group more 1 node:node1\n"),
		"a threshold of 0":               p.swap("majority 2", "majority 0"),
		"a threshold above the members":  p.swap("majority 2", "majority 4"),
		"a threshold with a zero":        p.swap("majority 2", "majority 02"),
		"a negative threshold":           p.swap("majority 2", "majority -2"),
		"a threshold beyond any number":  p.swap("majority 2", "majority 99999999999999999999"),
		"a threshold in words":           p.swap("majority 2", "majority two"),
		"a group with a witness's name":  p.swap(p.group, strings.Replace(p.group, "majority", "node:node1", 1)),
		"an unknown keyword":             p.good + "origin example\n",
		"a keyword in capitals":          p.swap("quorum", "Quorum"),
		"a carriage return":              strings.ReplaceAll(p.good, "\n", "\r\n"),
		"a zero byte":                    p.good + "\x00\n",
		"a delete character":             p.good + "# \x7f\n",
		"no line feed at the end":        strings.TrimSuffix(p.good, "\n"),
		"more witnesses than the limit":  p.crowded(),
		"more groups than the limit":     strings.Replace(p.good, p.quorum, strings.Repeat("group g 1 node:node1\n", MaxWitnesses+1)+p.quorum, 1),
		"a URL beyond the limit":         p.swap(p.log, strings.TrimSuffix(p.log, "\n")+" https://"+strings.Repeat("a", maxPolicyURL)+"\n"),
		"a witness name beyond any name": p.swap(p.w1, strings.Replace(p.w1, "node:node1", strings.Repeat("n", 300), 1)),
		"too large":                      p.good + strings.Repeat("#", MaxPolicy),
	}
}

func TestHostilePolicies(t *testing.T) {
	p := newPolicyLines(t)
	for _, cases := range []map[string]string{p.spoiltBindings(), p.spoiltMembers(), p.spoiltRules()} {
		for what, hostile := range cases {
			if got, err := ParsePolicy([]byte(hostile)); err == nil {
				t.Errorf("%s: accepted as\n%s", what, got.Marshal())
			} else if !oneReason(err) {
				t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
			}
		}
	}
	for what, fine := range map[string]string{
		"comments and empty lines": p.aud + p.sizes + "\n# a comment\n \t\n" + p.body + "  # indented\n",
		"tabs and spaces":          p.aud + p.sizes + strings.ReplaceAll(p.body, " ", " \t "),
		"octets above ASCII":       p.aud + p.sizes + "# \xff\xfe\n" + p.body,
	} {
		if got, err := ParsePolicy([]byte(fine)); err != nil || string(got.Marshal()) != p.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSpecsThatNoFileCanSpell(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 1, 1)
	for what, change := range map[string]func(*PolicySpec){
		"a URL with a space":         func(s *PolicySpec) { s.LogURL = "https://a b" },
		"a witness URL with a feed":  func(s *PolicySpec) { s.Witnesses[0].URL = "https://a\nquorum none" },
		"a witness name with a feed": func(s *PolicySpec) { s.Witnesses[0].Name = "a\nquorum" },
		"an empty witness name":      func(s *PolicySpec) { s.Witnesses[0].Name = "" },
		"an empty group name":        func(s *PolicySpec) { s.Groups[0].Name = "" },
		"a quorum called nothing":    func(s *PolicySpec) { s.Quorum = "" },
		"too many groups":            func(s *PolicySpec) { s.Groups = make([]PolicyGroup, MaxWitnesses+1) },
		"a first size too large":     func(s *PolicySpec) { s.From = MaxSize + 1 },
	} {
		spec := l.majority(false).Spec()
		change(&spec)
		if p, err := NewPolicy(spec); err == nil {
			t.Errorf("%s: accepted as\n%s", what, p.Marshal())
		} else if !oneReason(err) {
			t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
		}
	}
	_, err := MajorityPolicy(l.id, testOrigin, l.logKey(), []PolicyNode{{Name: "a b", Ed25519: edPublic(2)}}, false)
	wantError(t, "a node name with a space", err, ErrEncoding)
	_, err = MajorityPolicy(l.id, testOrigin, l.logKey(), nil, false)
	wantError(t, "a log without nodes", err, ErrPolicy)
	for _, name := range []string{"none", "majority", "all"} {
		nodes := []PolicyNode{{Name: name, Ed25519: edPublic(2)}}
		if _, err := MajorityPolicy(l.id, testOrigin, l.logKey(), nodes, false); err != nil {
			t.Errorf("a node called %q: %v", name, err)
		}
	}
}
