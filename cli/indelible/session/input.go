package session

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"

	"indelible/cli/say"
	"indelible/ingest"
)

// EmptyInput is the name of an input without a line.
var EmptyInput = strings.Repeat("0", 2*len(ingest.Position{}.Last))

// OpenInput opens a file of Observations and names it by the digest of its first
// line: a file that was moved or grew is still the same.
func OpenInput(path string) (*ingest.NDJSON, string, error) {
	wrong := func(err error) error {
		return say.Usage("name a file of FHIR Observations, one a line", "--data %s cannot be read: %s", path, say.Reason(err))
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, "", wrong(err)
	}
	source, err := ingest.OpenNDJSON(path)
	if err != nil {
		return nil, "", wrong(err)
	}
	_, at, err := source.Next()
	var bad *ingest.LineError
	if errors.Is(err, io.EOF) || errors.As(err, &bad) {
		err = nil
	}
	if err == nil {
		err = source.Seek(ingest.Position{})
	}
	if err != nil {
		return nil, "", wrong(errors.Join(err, source.Close()))
	}
	return source, hex.EncodeToString(at.Last[:]), nil
}

var errNoFile = errors.New("it is not a file")
