package seed

import (
	"os"
	"testing"
)

func TestOneSeedForEveryTest(t *testing.T) {
	t.Setenv(Variable, "42")
	if Of(t) != 42 || !Given(t) {
		t.Error("the variable is not taken")
	}
	if list := Each(t, 7, 3); len(list) != 1 || list[0] != 42 {
		t.Errorf("cases %d, want the one asked for", list)
	}
	if a, b := Rand(t).Uint64(), Rand(t).Uint64(); a != b {
		t.Error("the same seed gives another generator")
	}
}

func TestCases(t *testing.T) {
	t.Setenv(Variable, "1") // so that it is put back
	if err := os.Unsetenv(Variable); err != nil {
		t.Fatal(err)
	}
	t.Setenv(CountVariable, "5")
	list := Each(t, 7, 3)
	if len(list) != 5 || list[0] != 7 || list[4] != 11 {
		t.Errorf("cases %d, want 7 to 11", list)
	}
}
