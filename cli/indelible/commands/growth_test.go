package commands

import (
	"bytes"
	"strings"
	"testing"

	"indelible/proof"
)

func TestGrowthFilesComeBack(t *testing.T) {
	note := []byte("log.example\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— log.example AAAA\n")
	for n := range 5 {
		path := make([]proof.Hash, n)
		for i := range path {
			path[i][0] = byte(i + 1)
		}
		file := marshalGrowth(uint64(n), path, note)
		size, got, rest, err := parseGrowth(file)
		if err != nil || size != uint64(n) || len(got) != n || !bytes.Equal(rest, note) {
			t.Fatalf("%d hashes: size %d, %d hashes, %v", n, size, len(got), err)
		}
		for i := range got {
			if got[i] != path[i] {
				t.Errorf("hash %d of %d changed", i, n)
			}
		}
	}
}

func TestHostileGrowthFiles(t *testing.T) {
	hash := strings.Repeat("A", 43) + "=\n"
	for name, file := range map[string]string{
		"empty":            "",
		"no empty line":    "old 3\n" + hash,
		"no size":          "old \n\nnote",
		"leading zero":     "old 03\n\nnote",
		"sign":             "old +3\n\nnote",
		"other word":       "new 3\n\nnote",
		"too large":        "old 99999999999999999999\n\nnote",
		"short hash":       "old 3\nAAAA\n\nnote",
		"loose base64":     "old 3\n" + strings.Repeat("A", 42) + "B=\n\nnote",
		"too many hashes":  "old 3\n" + strings.Repeat(hash, proof.MaxPath+1) + "\nnote",
		"blank before end": "old 3 \n\nnote",
	} {
		if _, _, _, err := parseGrowth([]byte(file)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzGrowthFile(f *testing.F) {
	f.Add([]byte("old 3\n\nnote"))
	f.Fuzz(func(t *testing.T, file []byte) {
		size, path, note, err := parseGrowth(file)
		if err == nil && !bytes.Equal(marshalGrowth(size, path, note), file) {
			t.Errorf("%q has a second spelling", file)
		}
	})
}

func TestSummariesKeepNumbersAsSpelled(t *testing.T) {
	for resource, want := range map[string]summary{
		`{"code":{"text":"Weight"},"effectiveDateTime":"2026-01-01","valueQuantity":{"value":72.10,"unit":"kg"}}`:                                                                                                              {"2026-01-01", "Weight", "72.10 kg"},
		`{"code":{"coding":[{"code":"55284-4","display":"Blood pressure"}]},"component":[{"code":{"text":"sys"},"valueQuantity":{"value":120,"unit":"mm"}},{"code":{"text":"dia"},"valueQuantity":{"value":80,"unit":"mm"}}]}`: {"", "Blood pressure", "sys 120 mm, dia 80 mm"},
		`{"code":{"coding":[{"code":"X"}]},"valueCodeableConcept":{"text":"never"}}`:                                                                                                                                           {"", "X", "never"},
		`{"valueString":"trace"}`: {"", "-", "trace"},
		`not JSON`:                {"-", "not JSON", "8 bytes"},
	} {
		if got := summarise([]byte(resource)); got != want {
			t.Errorf("%s: got %+v", resource, got)
		}
	}
}
