package commands

import (
	"strings"

	"indelible/ledger/entry"
)

// says is what the body of a statement says in clear, by name. The order is that
// of the list; what is absent is left out.
func says(s *entry.Statement) [][2]string {
	var pairs [][2]string
	switch body := s.Body.(type) {
	case *entry.Genesis:
		pairs = [][2]string{{"origin", body.Origin}}
	case *entry.AuthorChange:
		pairs = saysAuthor(body)
	case *entry.CAChange:
		pairs = [][2]string{{"action", body.Action.String()}}
	case *entry.HandleChange:
		pairs = [][2]string{{"action", body.Action.String()}}
		if body.Action == entry.ActionOpen {
			pairs = append(pairs, [2]string{"class", body.Class.String()})
		}
	case *entry.BindingChange:
		pairs = saysBinding(body)
	case *entry.Correction:
		pairs = [][2]string{{"corrects", body.Corrects.String()}}
	case *entry.Consent:
		pairs = saysConsent(body)
	case *entry.Access:
		pairs = [][2]string{
			{"action", body.Action.String()}, {"outcome", body.Outcome.String()},
			{"purpose", body.Purpose.String()}, {"accessor", body.Accessor.String()},
		}
	case *entry.Erasure:
		pairs = saysErasure(body)
	case *entry.Hold:
		pairs = [][2]string{{"action", body.Action.String()}}
		if body.Action == entry.HoldRelease {
			pairs = append(pairs, [2]string{"hold", body.Set.String()})
		}
	}
	return pairs
}

func saysAuthor(body *entry.AuthorChange) [][2]string {
	pairs := [][2]string{{"action", body.Action.String()}}
	if body.Action != entry.AuthorEnrol {
		return append(pairs, [2]string{"key of", body.Author.String()})
	}
	if key, err := entry.ParsePublicKey(body.Key); err == nil {
		pairs = append(pairs, [2]string{"key of", key.Author().String()})
	}
	return append(pairs, [2]string{"role", body.Role.String()}, [2]string{"may act in", strings.Join(body.Jurisdictions, ", ")})
}

func saysBinding(body *entry.BindingChange) [][2]string {
	pairs := [][2]string{{"action", body.Action.String()}, {"binding", body.Binding.String()}}
	if body.Action == entry.ActionOpen {
		pairs = append(pairs, [2]string{"handle", body.Handle.String()}, [2]string{"device", body.Author.String()})
	}
	return pairs
}

func saysConsent(body *entry.Consent) [][2]string {
	names := make([]string, 0, len(body.Purposes))
	for _, p := range body.Purposes {
		names = append(names, p.String())
	}
	pairs := [][2]string{
		{"action", body.Action.String()}, {"purposes", strings.Join(names, ", ")}, {"basis", body.Basis.String()},
		{"regime", body.Regime.String()}, {"from", clock(body.From)},
	}
	if body.To != nil {
		pairs = append(pairs, [2]string{"to", clock(*body.To)})
	}
	return append(pairs, [2]string{"form", body.Document.String()})
}

func saysErasure(body *entry.Erasure) [][2]string {
	pairs := [][2]string{{"step", body.Step.String()}}
	switch body.Step {
	case entry.StepRequest:
		return append(pairs, [2]string{"scope", body.Scope.String()})
	case entry.StepExecuted:
		pairs = append(pairs, [2]string{"method", body.Method.String()}, [2]string{"strength", body.Strength.String()})
	}
	return append(pairs, [2]string{"request", body.Request.String()})
}
