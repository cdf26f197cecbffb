package commands

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"indelible/proof"
)

// A growth file is the body of an add-checkpoint request (C2SP tlog-witness):
// the line "old <size>", the hashes of the consistency proof in base64, an empty
// line, and the newer checkpoint. It can be posted to a witness as it is.
const growthOld = "old "

var errGrowth = errors.New("not a growth file")

func marshalGrowth(oldSize uint64, path []proof.Hash, note []byte) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s%d\n", growthOld, oldSize)
	for _, h := range path {
		out.WriteString(base64.StdEncoding.EncodeToString(h[:]))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	out.Write(note)
	return out.Bytes()
}

func parseGrowth(file []byte) (oldSize uint64, path []proof.Hash, note []byte, err error) {
	head, note, ok := bytes.Cut(file, []byte("\n\n"))
	if !ok {
		return 0, nil, nil, errGrowth
	}
	lines := strings.Split(string(head), "\n")
	if oldSize, err = parseOld(lines[0]); err != nil {
		return 0, nil, nil, err
	}
	if len(lines)-1 > proof.MaxPath {
		return 0, nil, nil, errGrowth
	}
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != proof.HashSize {
			return 0, nil, nil, errGrowth
		}
		path = append(path, proof.Hash(raw))
	}
	return oldSize, path, note, nil
}

func parseOld(line string) (uint64, error) {
	digits, ok := strings.CutPrefix(line, growthOld)
	if !ok {
		return 0, errGrowth
	}
	size, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(size, 10) != digits {
		return 0, errGrowth
	}
	return size, nil
}
