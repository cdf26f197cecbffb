package wire

import (
	"testing"

	"indelible/ledger/entry"
)

// TestEveryCodeHasARowAndAConnectCode: no refusal reaches a caller without a
// text, a next step and a place in the table.
func TestEveryCodeHasARowAndAConnectCode(t *testing.T) {
	seen := map[entry.Code]bool{}
	for _, row := range Codes() {
		if seen[row.Code] {
			t.Errorf("%s has two rows", row.Code)
		}
		seen[row.Code] = true
		if row.Connect == 0 {
			t.Errorf("%s is not mapped to a Connect code", row.Code)
		}
		if row.Happened == "" || row.NotDone == "" || row.Next == "" {
			t.Errorf("%s does not say what happened, what was not done and what to do next", row.Code)
		}
	}
}
