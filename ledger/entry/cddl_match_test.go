package entry

import (
	"regexp"
	"slices"
)

// cddlScope binds the parameters of the generic rule being matched.
type cddlScope map[string]cddlBound

type cddlBound struct {
	t     cddlType
	scope cddlScope
}

// rule resolves a name that is a rule or a parameter.
func (c *cddl) rule(a cddlAlternative, scope cddlScope) (cddlType, cddlScope, bool) {
	if b, ok := scope[a.name]; ok {
		return b.t, b.scope, true
	}
	r, ok := c.rules[a.name]
	if !ok {
		return nil, nil, false
	}
	if len(r.params) != len(a.args) {
		c.t.Fatalf("rule %s takes %d arguments, got %d", a.name, len(r.params), len(a.args))
	}
	inner := cddlScope{}
	for i, p := range r.params {
		inner[p] = cddlBound{a.args[i], scope}
	}
	return r.body, inner, true
}

func (c *cddl) match(v any, t cddlType, scope cddlScope) bool {
	return slices.ContainsFunc(t, func(a cddlAlternative) bool { return c.matchOne(v, a, scope) })
}

func (c *cddl) matchOne(v any, a cddlAlternative, scope cddlScope) bool {
	switch a.control {
	case "..":
		n, ok := v.(uint64)
		return ok && n >= a.literal.(uint64) && n <= a.operand[0].literal.(uint64)
	case ".size":
		base := a
		base.control = ""
		return c.matchOne(v, base, scope) && c.match(uint64(sizeOf(v)), a.operand, scope)
	case ".regexp":
		s, ok := v.(string)
		return ok && regexp.MustCompile("^(?:"+a.operand[0].literal.(string)+")$").MatchString(s)
	case ".cbor":
		b, ok := v.([]byte)
		if !ok {
			return false
		}
		inner, ok := uprootWhole(b)
		return ok && c.match(inner, a.operand, scope)
	}
	switch a.bracket {
	case "{":
		m, ok := v.(pairs)
		return ok && c.matchGroup(a.group, m, true, scope, isEmpty)
	case "[":
		items, ok := v.(list)
		return ok && c.matchGroup(a.group, asPairs(items), false, scope, isEmpty)
	case "(":
		return c.match(v, a.group[0][0].value, scope)
	case "#":
		tag, ok := v.(tagged)
		return ok && tag.number == a.tag && c.match(tag.value, a.group[0][0].value, scope)
	}
	if a.literal != nil {
		return a.literal == v
	}
	if body, inner, ok := c.rule(a, scope); ok {
		return c.match(v, body, inner)
	}
	return c.builtIn(v, a.name)
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case []byte:
		return len(v)
	case string:
		return len(v)
	}
	return -1
}

func (c *cddl) builtIn(v any, name string) bool {
	ok := false
	switch name {
	case "uint":
		_, ok = v.(uint64)
	case "bytes", "bstr":
		_, ok = v.([]byte)
	case "text":
		_, ok = v.(string)
	case "bool":
		_, ok = v.(bool)
	case "null":
		ok = v == nil
	case "false":
		ok = v == false
	default:
		c.t.Fatalf("FORMAT.cddl has no rule %s", name)
	}
	return ok
}

func asPairs(items list) pairs {
	p := pairs{}
	for _, item := range items {
		p = append(p, pair{nil, item})
	}
	return p
}

func isEmpty(rest pairs) bool { return len(rest) == 0 }

// matchGroup tries every sequence of the group; done judges what is left over.
func (c *cddl) matchGroup(g cddlGroup, rest pairs, isMap bool, scope cddlScope, done func(pairs) bool) bool {
	return slices.ContainsFunc(g, func(entries []cddlEntry) bool { return c.matchEntries(entries, rest, isMap, scope, done) })
}

func (c *cddl) matchEntries(entries []cddlEntry, rest pairs, isMap bool, scope cddlScope, done func(pairs) bool) bool {
	if len(entries) == 0 {
		return done(rest)
	}
	e, after := entries[0], func(rest pairs) bool { return c.matchEntries(entries[1:], rest, isMap, scope, done) }
	if group, inner, ok := c.asGroup(e, scope); ok {
		return e.low == 0 && after(rest) || c.matchGroup(group, rest, isMap, inner, after)
	}
	var repeat func(n int, rest pairs) bool
	repeat = func(n int, rest pairs) bool {
		if n < e.high {
			for i, p := range rest {
				if (!isMap || c.match(p.key, e.key, scope)) && c.match(p.value, e.value, scope) {
					if repeat(n+1, slices.Delete(slices.Clone(rest), i, i+1)) {
						return true
					}
				}
				if !isMap {
					break
				}
			}
		}
		return n >= e.low && after(rest)
	}
	return repeat(0, rest)
}

// asGroup resolves an entry that is a group in parentheses, maybe by name.
func (c *cddl) asGroup(e cddlEntry, scope cddlScope) (cddlGroup, cddlScope, bool) {
	if e.key != nil || len(e.value) != 1 {
		return nil, nil, false
	}
	a := e.value[0]
	if a.bracket == "(" {
		alone := len(a.group) == 1 && len(a.group[0]) == 1 && a.group[0][0].key == nil
		if _, _, nested := c.asGroup(a.group[0][0], scope); alone && !nested {
			return nil, nil, false // a type in parentheses
		}
		return a.group, scope, true
	}
	if body, inner, ok := c.rule(a, scope); ok && a.name != "" {
		return c.asGroup(cddlEntry{value: body}, inner)
	}
	return nil, nil, false
}
