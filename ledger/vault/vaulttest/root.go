package vaulttest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A root file is magic16 version8 key32 checksum8.
const (
	rootMagic = "indelible root 1"
	rootSize  = len(rootMagic) + 8 + 32 + 8
)

// Roots reads every root version's key in a file provider's directory.
func Roots(tb testing.TB, fs vfs.FS, dir string) map[uint64]Key {
	tb.Helper()
	names, err := fs.List(dir)
	if err != nil {
		tb.Fatal(err)
	}
	roots := make(map[uint64]Key)
	for _, name := range names {
		content := readFile(tb, fs, fs.PathJoin(dir, name))
		if strings.HasSuffix(name, ".root") && len(content) == rootSize {
			roots[binary.BigEndian.Uint64(content[len(rootMagic):])] = Key(content[len(rootMagic)+8:])
		}
	}
	return roots
}

// PutRoot writes a root file, as somebody might who puts an old one back.
func PutRoot(tb testing.TB, fs vfs.FS, dir string, version uint64, root Key) {
	tb.Helper()
	b := append(binary.BigEndian.AppendUint64([]byte(rootMagic), version), root[:]...)
	sum := sha256.Sum256(b)
	f, err := fs.Create(fs.PathJoin(dir, fmt.Sprintf("%016x.root", version)), vfs.WriteCategoryUnspecified)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.Write(append(b, sum[:8]...)); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

func readFile(tb testing.TB, fs vfs.FS, name string) []byte {
	tb.Helper()
	f, err := fs.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return content
}
