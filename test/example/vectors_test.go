package example

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the computed vectors in testdata anew")

// The vectors in testdata are what the naive implementations here compute: they
// share no code with the packages that are tested against them.
func TestVectorsAreWhatIsComputed(t *testing.T) {
	for name, content := range map[string][]byte{
		"merkle/inclusion.json":          lines(inclusionCases()),
		"merkle/consistency.json":        lines(consistencyCases()),
		"merkle/subtreeinclusion.json":   lines(subtreeInclusionCases()),
		"merkle/subtreeconsistency.json": lines(subtreeConsistencyCases()),
		"merkle/log.json":                lines([]any{tlog()}),
		"cose/sign1.json":                lines(sign1Cases(t)),
	} {
		path := filepath.Join("testdata", filepath.FromSlash(name))
		if *update {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, content) {
			t.Errorf("%s is not what is computed; with -update it is written anew", name)
		}
	}
}
