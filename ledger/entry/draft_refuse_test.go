package entry

import "testing"

// TestDraftRefuses: nothing that stands in a draft is dropped silently. What the
// kind or the action has no place for is refused, and so is what is missing.
func TestDraftRefuses(t *testing.T) {
	sid, hash := StatementID(vectorHash("other")), Hash(vectorHash("hash"))
	for name, edit := range map[string]struct {
		kind Kind
		from int
		edit func(*Draft)
	}{
		"no kind":                       {KindCA, 0, func(d *Draft) { d.Kind = 0 }},
		"a kind that is none":           {KindCA, 0, func(d *Draft) { d.Kind = KindNode + 1 }},
		"no log":                        {KindCA, 0, func(d *Draft) { d.Log = LogID{} }},
		"a log in genesis":              {KindGenesis, 0, func(d *Draft) { d.Log = LogID(hash) }},
		"body of another kind":          {KindCA, 0, func(d *Draft) { d.Body = &Hold{Action: HoldSet} }},
		"index body as a hold":          {KindHold, 1, func(d *Draft) { d.Body = &IndexSeal{uint64(HoldRelease), hash} }},
		"policy body as a ca":           {KindCA, 0, func(d *Draft) { d.Body = &PolicyChange{PolicyBundle, hash, RegimeGDPR} }},
		"no body":                       {KindCA, 0, func(d *Draft) { d.Body = nil }},
		"body and confirmation":         {KindCA, 0, func(d *Draft) { d.Confirms = &sid }},
		"confirmation of a binding":     {KindBinding, 0, func(d *Draft) { d.Body, d.Confirms = nil, &sid }},
		"body in a reading":             {KindReading, 0, func(d *Draft) { d.Body = &Correction{sid} }},
		"confirmation in a reading":     {KindReading, 0, func(d *Draft) { d.Confirms = &sid }},
		"reading without parts":         {KindReading, 0, func(d *Draft) { d.Parts = nil }},
		"parts in a binding":            {KindBinding, 0, func(d *Draft) { d.Parts = &hash }},
		"class in a close":              {KindHandle, 1, func(d *Draft) { d.Body = &HandleChange{ActionClose, HandleSubject, 1} }},
		"handle in a close":             {KindBinding, 2, func(d *Draft) { d.Body = &BindingChange{Action: ActionClose, Handle: Handle{1}, To: ptr(uint64(1))} }},
		"author in a close":             {KindBinding, 2, func(d *Draft) { d.Body = &BindingChange{Action: ActionClose, Author: AuthorID{1}, To: ptr(uint64(1))} }},
		"from in a close":               {KindBinding, 2, func(d *Draft) { d.Body = &BindingChange{Action: ActionClose, From: 1, To: ptr(uint64(1))} }},
		"close without to":              {KindBinding, 2, func(d *Draft) { d.Body = &BindingChange{Action: ActionClose} }},
		"author id in enrol":            {KindAuthor, 1, func(d *Draft) { d.Body.(*AuthorChange).Author = AuthorID{1} }},
		"upto in enrol":                 {KindAuthor, 1, func(d *Draft) { d.Body.(*AuthorChange).Upto = &sid }},
		"key in suspend":                {KindAuthor, 2, func(d *Draft) { d.Body.(*AuthorChange).Key = []byte{1} }},
		"role in suspend":               {KindAuthor, 2, func(d *Draft) { d.Body.(*AuthorChange).Role = RoleOfficer }},
		"jurisdiction in suspend":       {KindAuthor, 2, func(d *Draft) { d.Body.(*AuthorChange).Jurisdictions = []string{"eu"} }},
		"linkable in suspend":           {KindAuthor, 2, func(d *Draft) { d.Body.(*AuthorChange).Linkable = true }},
		"request in a request":          {KindErasure, 0, func(d *Draft) { d.Body.(*Erasure).Request = sid }},
		"scope in approve":              {KindErasure, 1, func(d *Draft) { d.Body.(*Erasure).Scope = ScopeAll }},
		"root version in approve":       {KindErasure, 1, func(d *Draft) { d.Body.(*Erasure).RootVersion = 1 }},
		"method in approve":             {KindErasure, 1, func(d *Draft) { d.Body.(*Erasure).Method = MethodHSMDestroy }},
		"strength in approve":           {KindErasure, 1, func(d *Draft) { d.Body.(*Erasure).Strength = StrengthHardware }},
		"node in executed":              {KindErasure, 2, func(d *Draft) { d.Body.(*Erasure).Node = AuthorID{1} }},
		"hold set names a hold":         {KindHold, 0, func(d *Draft) { d.Body.(*Hold).Set = sid }},
		"range in added":                {KindNode, 1, func(d *Draft) { d.Body.(*NodeChange).Range = &[2]uint64{1, 2} }},
		"a purpose twice":               {KindConsent, 0, func(d *Draft) { d.Body.(*Consent).Purposes = []Purpose{PurposeTREAT, PurposeTREAT} }},
		"a jurisdiction twice":          {KindAuthor, 1, func(d *Draft) { d.Body.(*AuthorChange).Jurisdictions = []string{"eu", "eu"} }},
		"prev without seq":              {KindCA, 0, func(d *Draft) { d.Prev = &sid }},
		"boot without seq":              {KindReading, 0, func(d *Draft) { d.Seq = 0 }},
		"seq without boot":              {KindReading, 0, func(d *Draft) { d.Boot = 0 }},
		"neither seq nor request id":    {KindReading, 0, func(d *Draft) { d.Seq, d.Boot, d.Prev = 0, 0, nil }},
		"time beyond the last instant":  {KindReading, 0, func(d *Draft) { d.IssuedAt = MaxTime + 1 }},
		"a jurisdiction that is none":   {KindReading, 0, func(d *Draft) { d.Jurisdiction = "E" }},
		"jurisdiction where none stand": {KindCA, 0, func(d *Draft) { d.Jurisdiction = "eu" }},
		"seen of size 0":                {KindCA, 0, func(d *Draft) { d.Seen = &Seen{} }},
		"signed by the wrong registrar": {KindGenesis, 0, func(d *Draft) {
			g := d.Body.(*Genesis)
			g.Registrars[0], g.Registrars[1] = g.Registrars[1], g.Registrars[0]
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := acceptCases(t, edit.kind)[edit.from]
			edit.edit(&c.draft)
			if _, err := c.draft.Sign(nil, c.key); err == nil {
				t.Error("signed")
			} else {
				requireRefusal(t, err)
			}
		})
	}
}

// TestDraftSortsSets: a list without an order of its own may be drafted in any.
func TestDraftSortsSets(t *testing.T) {
	c := acceptCases(t, KindGenesis)[0]
	s := mustSign(t, c.draft, c.key)
	g := *c.draft.Body.(*Genesis)
	g.Jurisdictions = []JurisdictionRule{g.Jurisdictions[1], g.Jurisdictions[0]}
	g.Nodes = append([]Node(nil), g.Nodes...)
	g.Nodes[0].Placement = []string{"us", "eu"}
	c.draft.Body = &g
	sameBytes(t, "genesis", mustSign(t, c.draft, c.key).Bytes(), s.Bytes())
}
