package journal_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"indelible/ingest/journal/journaltest"
)

// FuzzFrames opens a journal whose active segment holds any bytes behind a true
// beginning, or instead of it: what is shown is a beginning of what was written.
func FuzzFrames(f *testing.F) {
	sampled, all := sample(f)
	whole := sampled[name(3, "seg")]
	at := frames(f, whole)
	for _, from := range at {
		f.Add(from, whole[at[2]:at[3]])
		f.Add(from, whole[from:])
		f.Add(from, append(slices.Clone(whole[from:]), whole[at[1]:]...))
	}
	f.Add(0, whole)
	f.Add(at[1], append(slices.Clone(whole[at[1]:at[1]+8]), 0, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF))
	f.Fuzz(func(t *testing.T, from int, tail []byte) {
		if from < 0 || from > len(whole) {
			return
		}
		files := maps.Clone(sampled)
		files[name(3, "seg")] = slices.Concat(whole[:from], tail)
		disk := journaltest.DiskOf("j", files)
		j, found, err := read(t, config(disk.Dir("j")))
		if err != nil {
			if !errors.Is(err, errDamage) {
				t.Fatal(err)
			}
			return
		}
		closeJournal(t, j)
		if n := len(found[3]); n > len(all[3]) || !slices.Equal(found[3], all[3][:n]) {
			t.Fatalf("records that were never written, or in another order: %q", found[3])
		}
		if _, again, err := read(t, config(disk.Dir("j"))); err != nil || !again.equal(found) {
			t.Fatalf("opening again finds something else: %v", err)
		}
	})
}
