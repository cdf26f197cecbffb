package vault

import (
	"testing"
	"time"
)

// timer lets the clock of a synctest bubble move on.
func timer(t *testing.T, d time.Duration) {
	t.Helper()
	after := time.NewTimer(d)
	defer after.Stop()
	select {
	case <-after.C:
	case <-t.Context().Done():
	}
}
