package proof

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The first two lines of a policy file are comments to other tools. They bind
// the file to one log and to the sizes its keys speak for.
const (
	policyMark  = "# indelible "
	policyAud   = policyMark + "aud "
	policySizes = policyMark + "sizes "
)

// Marshal is the policy as a file: C2SP tlog-policy behind two comment lines.
// ParsePolicy of it gives an equal policy.
func (p *Policy) Marshal() []byte {
	s := &p.spec
	var b bytes.Buffer
	b.WriteString(policyAud + hex.EncodeToString(s.LogID[:]) + "\n")
	b.WriteString(policySizes + strconv.FormatUint(s.From, 10) + "-")
	if s.To != 0 {
		b.WriteString(strconv.FormatUint(s.To, 10))
	}
	b.WriteString("\n")
	writeWords(&b, "log", s.LogVKey, s.LogURL)
	for _, w := range s.Witnesses {
		writeWords(&b, "witness", w.Name, w.VKey, w.URL)
	}
	for _, g := range s.Groups {
		writeWords(&b, append([]string{"group", g.Name, strconv.Itoa(g.Threshold)}, g.Members...)...)
	}
	writeWords(&b, "quorum", s.Quorum)
	return b.Bytes()
}

// writeWords writes one line; an absent URL, always last, leaves no word.
func writeWords(b *bytes.Buffer, words ...string) {
	b.WriteString(strings.TrimSuffix(strings.Join(words, " "), " ") + "\n")
}

// ParsePolicy reads a policy file. The two comment lines must come first and
// nowhere else; all other comments are ignored.
func ParsePolicy(file []byte) (*Policy, error) {
	if len(file) > MaxPolicy {
		return nil, fmt.Errorf("policy of %d bytes, at most %d allowed: %w", len(file), MaxPolicy, ErrTooLarge)
	}
	if err := policyBytes(file); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
	if len(lines) < 2 {
		return nil, fmt.Errorf("policy has no aud and sizes lines: %w", ErrEncoding)
	}
	r := policyReader{defined: make(map[string]bool)}
	if err := r.binding(lines[0], lines[1]); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	for i, line := range lines[2:] {
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("policy line %d: %w", i+3, err)
		}
	}
	if r.spec.LogVKey == "" || r.spec.Quorum == "" {
		return nil, fmt.Errorf("policy lacks its log or quorum line: %w", ErrEncoding)
	}
	return NewPolicy(r.spec)
}

// policyBytes: the octets tlog-policy allows, and a line feed at the end.
func policyBytes(file []byte) error {
	for at, b := range file {
		if b < 0x20 && b != '\n' && b != '\t' || b == 0x7f {
			return fmt.Errorf("policy has a control character at byte %d: %w", at, ErrEncoding)
		}
	}
	if !bytes.HasSuffix(file, []byte("\n")) {
		return fmt.Errorf("policy does not end in a line feed: %w", ErrEncoding)
	}
	return nil
}

type policyReader struct {
	spec    PolicySpec
	defined map[string]bool // names of witnesses and groups so far; NewPolicy refuses what is wrong with them
}

func (r *policyReader) binding(aud, sizes string) error {
	id, marked := strings.CutPrefix(aud, policyAud)
	raw, err := hex.DecodeString(id)
	if !marked || err != nil || len(raw) != HashSize || hex.EncodeToString(raw) != id {
		return fmt.Errorf("first line is not %q and 64 lower-case hexadecimal digits: %w", policyAud, ErrEncoding)
	}
	r.spec.LogID = [32]byte(raw)
	bounds, marked := strings.CutPrefix(sizes, policySizes)
	from, to, dashed := strings.Cut(bounds, "-")
	if !marked || !dashed {
		return fmt.Errorf("second line is not %q and two sizes: %w", policySizes, ErrEncoding)
	}
	if r.spec.From, err = parseNumber(from); err != nil {
		return fmt.Errorf("first size: %w", err)
	}
	if to == "" {
		return nil
	}
	if r.spec.To, err = parseNumber(to); err != nil {
		return fmt.Errorf("last size: %w", err)
	}
	if r.spec.To == 0 {
		return fmt.Errorf("last size is 0: %w", ErrPolicy)
	}
	return nil
}

func (r *policyReader) line(line string) error {
	words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(words) == 0 {
		return nil
	}
	if strings.HasPrefix(words[0], "#") {
		if strings.HasPrefix(strings.Join(words, " ")+" ", policyMark) {
			return fmt.Errorf("binding line out of place: %w", ErrEncoding)
		}
		return nil
	}
	switch words[0] {
	case "log":
		return r.log(words[1:])
	case "witness":
		return r.witness(words[1:])
	case "group":
		return r.group(words[1:])
	case "quorum":
		return r.quorum(words[1:])
	}
	return fmt.Errorf("unknown keyword: %w", ErrEncoding)
}

func (r *policyReader) log(args []string) error {
	if len(args) < 1 || len(args) > 2 || r.spec.LogVKey != "" {
		return fmt.Errorf("log takes a vkey and perhaps a URL, once: %w", ErrEncoding)
	}
	r.spec.LogVKey, r.spec.LogURL = args[0], word(args, 1)
	return nil
}

func (r *policyReader) witness(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return fmt.Errorf("witness takes a name, a vkey and perhaps a URL: %w", ErrEncoding)
	}
	if len(r.spec.Witnesses) == MaxWitnesses {
		return fmt.Errorf("more than %d witnesses: %w", MaxWitnesses, ErrTooLarge)
	}
	r.spec.Witnesses = append(r.spec.Witnesses, PolicyWitness{Name: args[0], VKey: args[1], URL: word(args, 2)})
	r.defined[args[0]] = true
	return nil
}

func (r *policyReader) group(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("group takes a name, a threshold and members: %w", ErrEncoding)
	}
	if len(r.spec.Groups) == MaxWitnesses {
		return fmt.Errorf("more than %d groups: %w", MaxWitnesses, ErrTooLarge)
	}
	g := PolicyGroup{Name: args[0], Members: args[2:]}
	switch args[1] {
	case "any":
		g.Threshold = 1
	case "all":
		g.Threshold = len(g.Members)
	default:
		k, err := parseNumber(args[1])
		if err != nil {
			return fmt.Errorf("group threshold: %w", err)
		}
		if k > uint64(len(g.Members)) {
			return fmt.Errorf("group asks for %d of %d members: %w", k, len(g.Members), ErrPolicy)
		}
		g.Threshold = int(k)
	}
	for _, m := range g.Members {
		if !r.defined[m] {
			return fmt.Errorf("group member is not defined on an earlier line: %w", ErrPolicy)
		}
	}
	r.spec.Groups = append(r.spec.Groups, g)
	r.defined[g.Name] = true
	return nil
}

func (r *policyReader) quorum(args []string) error {
	if len(args) != 1 || r.spec.Quorum != "" {
		return fmt.Errorf("quorum takes one name, once: %w", ErrEncoding)
	}
	if args[0] != quorumNone && !r.defined[args[0]] {
		return fmt.Errorf("quorum is not defined on an earlier line: %w", ErrPolicy)
	}
	r.spec.Quorum = args[0]
	return nil
}

func word(words []string, at int) string {
	if at < len(words) {
		return words[at]
	}
	return ""
}

// validPolicyName: a word that is not the quorum's "none". Words are octets to
// tlog-policy; only what would break a line is refused.
func validPolicyName(name string) error {
	if name == "" || name == quorumNone || len(name) > MaxName+len("node:") {
		return fmt.Errorf("name in a policy is empty, %q or too long: %w", quorumNone, ErrPolicy)
	}
	return validWord(name)
}

func validURL(url string) error {
	if len(url) > maxPolicyURL {
		return fmt.Errorf("URL of %d bytes, at most %d allowed: %w", len(url), maxPolicyURL, ErrTooLarge)
	}
	return validWord(url)
}

func validWord(word string) error {
	for at := range len(word) {
		if word[at] <= 0x20 || word[at] == 0x7f {
			return fmt.Errorf("word has a space or control character at byte %d: %w", at, ErrEncoding)
		}
	}
	return nil
}
