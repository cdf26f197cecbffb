package entry

import "crypto/sha256"

// fieldConfirms is the one field of a confirmation.
const fieldConfirms = 0

func (s *Statement) parsePayload(w *walker) {
	switch s.Kind.shape() {
	case shapeSealed:
		s.Parts = new(Hash)
		if len(w.data) != HashSize {
			w.fail(CodeMalformed, "the payload is %d bytes, expected the %d of a digest of parts", len(w.data), HashSize)
			return
		}
		copy(s.Parts[:], w.data)
		w.pos = HashSize
	case shapeBoth:
		w.arrayOf(2)
		if !w.null() {
			s.Parts = new(Hash)
			w.fixed(s.Parts[:])
		}
		s.parseBody(w)
	case shapeOpen:
		s.parseBody(w)
	}
	w.end()
}

func (s *Statement) parseBody(w *walker) {
	f := form{w: w, keys: w.fields(unitField)}
	if s.Kind.confirmable() && f.keys.has(fieldConfirms) {
		s.Confirms = new(StatementID)
		w.fixed(s.Confirms[:])
	} else {
		s.Body = kindRules[s.Kind].body()
		s.Body.fields(&f)
	}
	f.keys.end()
}

// checkKind checks what a kind demands beyond the shape of its map.
func (s *Statement) checkKind(w *walker) {
	w.unit = ""
	rule := &kindRules[s.Kind]
	s.checkSub(w, rule)
	s.checkUniqueness(w, rule)
	s.checkSeal(w, rule)
	if s.Kind == KindGenesis {
		s.checkGenesis(w)
	} else if !s.hasAud {
		w.fail(CodeFieldMissing, "claim %d (aud) is missing", claimAud)
	}
	if s.Kind == KindAuthor {
		s.checkAuthor(w)
	}
	switch wants := s.Kind.hasJurisdiction(s.Sub); {
	case wants && s.Jurisdiction == "":
		w.fail(CodeFieldMissing, "claim %d (jurisdiction) is missing", claimJurisdiction)
	case !wants && s.Jurisdiction != "":
		w.fail(CodeFieldForbidden, "claim %d (jurisdiction) stands in a statement that carries none", claimJurisdiction)
	}
}

func (s *Statement) checkSub(w *walker, rule *kindRule) {
	switch s.Sub.Type {
	case SubNone:
		if rule.binding == must || rule.handle == must || (rule.binding == may && rule.handle == may) {
			w.fail(CodeFieldMissing, "claim %d (sub) is missing", claimSub)
		}
	case SubBinding:
		if rule.binding == never {
			w.fail(CodeFieldForbidden, "claim %d (sub) names a binding; this kind has none", claimSub)
		}
	case SubHandle:
		if rule.handle == never {
			w.fail(CodeFieldForbidden, "claim %d (sub) names a handle; this kind has none", claimSub)
		}
	}
}

// checkUniqueness demands a device's sequence or a request id, never both.
func (s *Statement) checkUniqueness(w *walker, rule *kindRule) {
	if s.Request == nil {
		switch {
		case rule.sequence == never:
			w.fail(CodeFieldMissing, "claim %d (request id) is missing", claimRequest)
		case s.Seq == 0:
			w.fail(CodeFieldMissing, "claim %d (seq) is missing", claimSeq)
		case s.Boot == 0:
			w.fail(CodeFieldMissing, "claim %d (boot) is missing", claimBoot)
		}
		return
	}
	if rule.sequence == must {
		w.fail(CodeFieldForbidden, "claim %d (request id) stands in a device's statement", claimRequest)
	}
	if s.Seq != 0 || s.Boot != 0 || s.Prev != nil {
		w.fail(CodeFieldForbidden, "seq, boot or prev stand beside claim %d (request id)", claimRequest)
	}
}

// checkSeal demands or forbids the digest of parts. Which steps of author,
// erasure and hold have one is a matter of their maps.
func (s *Statement) checkSeal(w *walker, rule *kindRule) {
	want := rule.seal
	if s.Confirms != nil {
		want = never
	} else {
		switch b := s.Body.(type) {
		case *AuthorChange:
			want = mustIf(b.Action == AuthorEnrol && b.Role == RoleDevice)
		case *Erasure:
			want = mustIf(b.Step == StepRequest)
		case *Hold:
			want = mustIf(b.Action == HoldSet)
		}
	}
	switch {
	case want == must && s.Parts == nil:
		w.fail(CodeFieldMissing, "the digest of the sealed parts is missing")
	case want == never && s.Parts != nil:
		w.fail(CodeFieldForbidden, "a digest of sealed parts stands in a statement that has none")
	}
}

// checkAuthor ties the sub of an author statement to the key it is about: a
// device key has one, any other key has none. What a key enrolled earlier is,
// only the ledger knows; a confirmation is never about a device key.
func (s *Statement) checkAuthor(w *walker) {
	has := s.Sub.Type != SubNone
	b, ok := s.Body.(*AuthorChange)
	switch {
	case !ok && has:
		w.fail(CodeFieldForbidden, "claim %d (sub) stands in a confirmation of an author statement", claimSub)
	case ok && b.Action == AuthorEnrol && b.Role == RoleDevice && !has:
		w.fail(CodeFieldMissing, "claim %d (sub) is missing: a device key is enrolled under a handle", claimSub)
	case ok && b.Action == AuthorEnrol && b.Role != RoleDevice && has:
		w.fail(CodeFieldForbidden, "claim %d (sub) stands in the enrolment of a key that is not a device's", claimSub)
	}
}

// checkGenesis: nothing precedes a genesis, and its first registrar signs it.
func (s *Statement) checkGenesis(w *walker) {
	if s.hasAud {
		w.fail(CodeFieldForbidden, "claim %d (aud) stands in a genesis", claimAud)
	}
	if s.Seen != nil {
		w.fail(CodeFieldForbidden, "claim %d (seen) stands in a genesis", claimSeen)
	}
	if g, ok := s.Body.(*Genesis); ok && s.Author != AuthorID(sha256.Sum256(g.Registrars[0])) {
		w.fail(CodeFieldInvalid, "a genesis is signed by its first registrar")
	}
}
