package raft

import (
	"strings"
	"testing"
	"time"
)

func TestConfigNamesEveryFault(t *testing.T) {
	err := Config{Name: strings.Repeat("n", maxNameBytes+1), Limits: Limits{Waiters: -1, DiskHang: -time.Second}}.Validate()
	if err == nil {
		t.Fatal("an empty configuration is accepted")
	}
	for _, want := range []string{"Dir", "FS", "LogKey", "CosignerKey", "MLDSAKey", "Now", "Rand", "Logger", "longer than", "Waiters", "duration"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in: %v", want, err)
		}
	}
}

func TestLimitsDefault(t *testing.T) {
	l := Limits{ReservedEntries: 5}.withDefaults()
	if l.ReservedEntries != 5 || l.OrdinaryBytes != DefaultOrdinaryBytes || l.DiskHang != DefaultDiskHang || l.validate() != nil {
		t.Errorf("%+v", l)
	}
}

// TestNotLeaderNamesTheLeader: refusals say what to do next.
func TestNotLeaderNamesTheLeader(t *testing.T) {
	if err := (&NotLeaderError{Leader: "n2"}); !strings.Contains(err.Error(), "n2") {
		t.Error(err)
	}
	if err := (&NotLeaderError{}); !strings.Contains(err.Error(), "no leader") {
		t.Error(err)
	}
	if err := (&Overloaded{RetryAfter: 40 * time.Millisecond}); !strings.Contains(err.Error(), "40ms") {
		t.Error(err)
	}
}
