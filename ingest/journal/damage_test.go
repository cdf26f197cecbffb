package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"indelible/ingest/journal/journaltest"
	"indelible/test/seed"
)

// Damage at any byte of what was durable is an error or without effect, nothing is
// lost in silence, and nothing is cut off.
func TestDamage(t *testing.T) {
	random := seed.Rand(t)
	files, all := sample(t)
	for file, whole := range files {
		if !strings.HasSuffix(file, ".seg") {
			continue
		}
		for i := range whole {
			damaged := maps.Clone(files)
			damaged[file] = bytes.Clone(whole)
			damaged[file][i] ^= 1 << random.IntN(8)
			disk := journaltest.DiskOf("j", damaged)
			at := frames(t, whole)
			inMark := i >= at[len(at)-2]
			j, found, err := read(t, config(disk.Dir("j")))
			if inMark != (err == nil) || (err != nil && !errors.Is(err, errDamage)) {
				t.Fatalf("byte %d of %s, in the mark %v: %v", i, file, inMark, err)
			}
			if err == nil {
				if !found.equal(all) {
					t.Fatalf("byte %d of %s: found%v", i, file, found)
				}
				closeJournal(t, j)
				continue
			}
			if !bytes.Equal(disk.Files("j")[file], damaged[file]) {
				t.Fatalf("byte %d of %s: the damaged file was changed", i, file)
			}
		}
	}
}

// Power goes at every byte of the last frame: the frames before it are there, and of
// the last one all or nothing. Once its mark is on the disk it cannot be torn.
func TestTornWrite(t *testing.T) {
	files, all := sample(t)
	file := name(3, "seg")
	whole := files[file]
	at := frames(t, whole)
	last, mark := at[len(at)-3], at[len(at)-2]
	before := all.clone()
	before[3] = before[3][:len(before[3])-2]
	try := func(what string, segment []byte, want content) {
		t.Helper()
		image := maps.Clone(files)
		image[file] = segment
		disk := journaltest.DiskOf("j", image)
		j, found, err := read(t, config(disk.Dir("j")))
		if want == nil {
			if !errors.Is(err, errDamage) {
				t.Fatalf("%s: damage is not noticed: %v", what, err)
			}
			return
		}
		if err != nil || !found.equal(want) {
			t.Fatalf("%s: found%v, want%v: %v", what, found, want, err)
		}
		if _, err := j.Append([]byte("after")); err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		_, found, err = read(t, config(disk.Dir("j")))
		want = want.clone()
		want[3] = append(want[3], "after")
		if err != nil || !found.equal(want) {
			t.Fatalf("%s, opened again: found%v, want%v: %v", what, found, want, err)
		}
	}
	for length := last; length < len(whole); length++ {
		want := before
		if length >= mark {
			want = all
		}
		try(fmt.Sprint("cut at ", length), whole[:length], want)
	}
	for i := last; i < mark; i++ { // zeros instead of some bytes, and what was never written behind
		torn := bytes.Clone(whole[:mark])
		if clear(torn[i:min(i+64, mark)]); !bytes.Equal(torn, whole[:mark]) {
			try(fmt.Sprint("zeros at ", i), torn, before)
			try(fmt.Sprint("zeros, marked, at ", i), append(torn, whole[mark:]...), nil)
		}
	}
	// The frame before it, and the head, were durable.
	try("the frame before", slices.Concat(whole[:last-1], []byte{whole[last-1] ^ 1}, whole[last:mark]), nil)
	try("cut in the head", whole[:at[2]-1], nil)
	try("cut to the header", whole[:at[0]], nil)
	try("cut to nothing", nil, nil)
}

// What is in another order, place or time than it was written in does not open.
func TestReorder(t *testing.T) {
	files, _ := sample(t)
	older, whole := files[name(2, "seg")], files[name(3, "seg")]
	at, olderAt := frames(t, whole), frames(t, older)
	for what, change := range map[string]func(files map[string][]byte){
		"two frames exchanged": func(files map[string][]byte) {
			files[name(3, "seg")] = slices.Concat(whole[:at[2]], whole[at[3]:at[4]], whole[at[2]:at[3]], whole[at[4]:])
		},
		"exchanged, their ordinals put right": func(files map[string][]byte) {
			first, second := bytes.Clone(whole[at[2]:at[3]]), bytes.Clone(whole[at[3]:at[4]])
			copy(first[8:12], whole[at[3]+8:])
			copy(second[8:12], whole[at[2]+8:])
			files[name(3, "seg")] = slices.Concat(whole[:at[2]], second, first, whole[at[4]:])
		},
		"a frame taken out": func(files map[string][]byte) {
			files[name(3, "seg")] = slices.Concat(whole[:at[2]], whole[at[3]:])
		},
		"a frame twice": func(files map[string][]byte) {
			files[name(3, "seg")] = slices.Concat(whole[:at[3]], whole[at[2]:])
		},
		"a segment renamed": func(files map[string][]byte) {
			files[name(7, "seg")] = whole
			if key := files[name(3, "key")]; key != nil {
				files[name(7, "key")] = key
			}
		},
		"two segments exchanged": func(files map[string][]byte) {
			files[name(2, "seg")], files[name(3, "seg")] = whole, older
		},
		"a closed segment without its last frame": func(files map[string][]byte) {
			files[name(2, "seg")] = older[:olderAt[len(olderAt)-3]]
		},
		"a closed segment cut to its header": func(files map[string][]byte) {
			files[name(2, "seg")] = older[:olderAt[0]]
		},
	} {
		image := maps.Clone(files)
		change(image)
		if _, found, err := read(t, config(journaltest.DiskOf("j", image).Dir("j"))); !errors.Is(err, errDamage) {
			t.Errorf("%s: found%v, %v", what, found, err)
		}
	}
}

// A segment that is missing is damage where none can have been destroyed, and one that
// comes back is damage everywhere; so is one whose key is missing, and the newest one
// whose key is zeros: no destruction leaves that.
func TestSegmentsGoneAndBack(t *testing.T) {
	files, all := sample(t)
	disk := journaltest.DiskOf("j", files)
	j, _, err := read(t, config(disk.Dir("j")))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Destroy(j.Segments()[1]), rotate(j)); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	delete(all, 2)
	all[4] = []string{}
	now := disk.Files("j")
	if _, found, err := read(t, config(disk.Dir("j"))); err != nil || !found.equal(all) {
		t.Errorf("found%v, want%v: %v", found, all, err)
	}
	now[name(2, "seg")], now[name(2, "key")] = files[name(2, "seg")], files[name(2, "key")]
	if _, _, err := read(t, config(journaltest.DiskOf("j", now).Dir("j"))); !errors.Is(err, errDamage) {
		t.Errorf("a destroyed segment is back: %v", err)
	}
	delete(files, name(1, "key"))
	if _, _, err := read(t, config(journaltest.DiskOf("j", files).Dir("j"))); !errors.Is(err, errDamage) {
		t.Errorf("a key is missing: %v", err)
	}
	files, _ = sample(t)
	files[name(3, "key")] = make([]byte, 32)
	if _, found, err := read(t, config(journaltest.DiskOf("j", files).Dir("j"))); !errors.Is(err, errDamage) {
		t.Errorf("the newest key is zeros, and what was appended under it is gone: found%v, %v", found, err)
	}
	files, _ = sample(t)
	delete(files, name(2, "seg"))
	if _, _, err := read(t, config(journaltest.DiskOf("j", files).Dir("j"))); !errors.Is(err, errDamage) {
		t.Errorf("a segment is missing: %v", err)
	}
}

// A directory of something else is refused with a text that says so, and nothing in
// it is changed.
func TestAnotherFormatIsRefused(t *testing.T) {
	ours, _ := sample(t)
	old := map[string][]byte{
		name(1, "seg"): []byte("indelible spool1" + strings.Repeat("\x07", 400)),
		name(1, "key"): bytes.Repeat([]byte{3}, 32),
		name(2, "key"): bytes.Repeat([]byte{4}, 32),
	}
	for what, test := range map[string]struct {
		files  map[string][]byte
		format string
		says   string
	}{
		"an older spool":       {old, "test 1", "indelible spool1"},
		"another journal":      {ours, "test 2", "test 1"},
		"a longer name":        {ours, "test 12", "test 1"},
		"other files":          {map[string][]byte{"receipts.log": []byte("x"), "lock": nil}, "test 1", "receipts.log"},
		"names that look like": {map[string][]byte{"1.seg": []byte("x")}, "test 1", "1.seg"},
	} {
		disk := journaltest.DiskOf("j", test.files)
		cfg := config(disk.Dir("j"))
		cfg.Format = test.format
		_, _, err := read(t, cfg)
		if !errors.Is(err, errDamage) || !strings.Contains(err.Error(), "another format") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", what, err)
		}
		if !maps.EqualFunc(disk.Files("j"), test.files, bytes.Equal) {
			t.Errorf("%s: the directory was changed", what)
		}
	}
}
