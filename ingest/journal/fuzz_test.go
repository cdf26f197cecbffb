package journal_test

import (
	"errors"
	"slices"
	"testing"

	"indelible/ingest/journal/journaltest"
)

// FuzzFrames opens a journal whose active segment holds any bytes behind a true
// beginning, or instead of it: what is shown is a beginning of what was written.
func FuzzFrames(f *testing.F) {
	type sampled struct {
		files map[string][]byte
		all   content
	}
	samples := map[bool]sampled{}
	for _, sealed := range []bool{false, true} {
		files, all := sample(f, sealed)
		samples[sealed] = sampled{files, all}
		whole := files[name(3, "seg")]
		at := frames(f, whole)
		for _, from := range at {
			f.Add(sealed, from, whole[at[2]:at[3]])
			f.Add(sealed, from, whole[from:])
			f.Add(sealed, from, append(slices.Clone(whole[from:]), whole[at[1]:]...))
		}
		f.Add(sealed, 0, whole)
		f.Add(sealed, at[1], append(slices.Clone(whole[at[1]:at[1]+8]), 0, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF))
	}
	f.Fuzz(func(t *testing.T, sealed bool, from int, tail []byte) {
		s := samples[sealed]
		files := map[string][]byte{}
		for file, raw := range s.files {
			files[file] = raw
		}
		whole := files[name(3, "seg")]
		if from < 0 || from > len(whole) {
			return
		}
		files[name(3, "seg")] = slices.Concat(whole[:from], tail)
		disk := journaltest.DiskOf("j", files)
		j, found, err := read(t, config(disk.Dir("j"), sealed))
		if err != nil {
			if !errors.Is(err, errDamage) {
				t.Fatal(err)
			}
			return
		}
		closeJournal(t, j)
		if n := len(found[3]); n > len(s.all[3]) || !slices.Equal(found[3], s.all[3][:n]) {
			t.Fatalf("records that were never written, or in another order: %q", found[3])
		}
		if _, again, err := read(t, config(disk.Dir("j"), sealed)); err != nil || !again.equal(found) {
			t.Fatalf("opening again finds something else: %v", err)
		}
	})
}
