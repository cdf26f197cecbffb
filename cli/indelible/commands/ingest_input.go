package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"indelible/cli/say"
	"indelible/ingest"
)

// inputKey begins the keys under which the spool knows which input lay at a path.
const inputKey = "cli/input/"

// settleInput refuses another input at the path of one that was begun: a line that
// was corrected there would make all of the file new, and everything in it would be
// ingested a second time.
func settleInput(spool *ingest.Spool, path, name string) error {
	if name == ingest.EmptyInput {
		return nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return say.Local(err, "the input cannot be named", "name it by its whole path")
	}
	digest := sha256.Sum256([]byte(full))
	known, err := spool.Once(inputKey+hex.EncodeToString(digest[:]), func() ([]byte, error) { return []byte(name), nil })
	if err != nil {
		return say.Local(err, "the name of the input cannot be kept", "look at the disk")
	}
	if string(known) != name {
		return say.Refused("INPUT_CHANGED", "the first line of "+path+" is not the one this folder has begun with", "nothing was ingested",
			"restore that line; or, if these are other readings, give them under another file name")
	}
	return nil
}

// passedOver remembers lines that were no readings, with the reason, which never
// holds a word of the line.
type passedOver struct {
	reasons []string
	more    int
}

// namedLines bounds how many lines one message names.
const namedLines = 10

func (p *passedOver) add(bad *ingest.LineError) {
	if len(p.reasons) == namedLines {
		p.more++
		return
	}
	p.reasons = append(p.reasons, fmt.Sprintf("line %d: %s", bad.Line, bad.Reason))
}

// text are the lines with their reasons.
func (p *passedOver) text() string {
	if len(p.reasons) == 0 {
		return ""
	}
	text := " (" + strings.Join(p.reasons, "; ")
	if p.more > 0 {
		text += fmt.Sprintf("; and %d more", p.more)
	}
	return text + ")"
}
