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
	head, note, _ := bytes.Cut(file, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	oldSize, err = strconv.ParseUint(strings.TrimPrefix(lines[0], growthOld), 10, 64)
	if err != nil || len(lines)-1 > proof.MaxPath {
		return 0, nil, nil, errGrowth
	}
	for _, line := range lines[1:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != proof.HashSize {
			return 0, nil, nil, errGrowth
		}
		path = append(path, proof.Hash(raw))
	}
	if !bytes.Equal(marshalGrowth(oldSize, path, note), file) { // it has one spelling
		return 0, nil, nil, errGrowth
	}
	return oldSize, path, note, nil
}
