package raft

import hraft "github.com/hashicorp/raft"

// tailBytes bounds the newest entries of one group kept in memory, so that
// replication to followers that keep up reads no disk. The library's own cache
// counts entries, not bytes, and forgets everything at each truncation.
const tailBytes = 8 << 20

// tail holds the newest entries of a log, without holes. Entries are shared
// with the library and never modified.
type tail struct {
	first uint64 // index of logs[0]
	logs  []*hraft.Log
	sizes []int
	bytes int
}

func (t *tail) push(l *hraft.Log, size int) {
	if len(t.logs) == 0 {
		t.first = l.Index
	}
	kept := *l
	t.logs = append(t.logs, &kept)
	t.sizes = append(t.sizes, size)
	t.bytes += size
	for t.bytes > tailBytes && len(t.logs) > 0 {
		t.drop()
	}
}

func (t *tail) drop() {
	t.bytes -= t.sizes[0]
	t.logs[0] = nil // the backing array lives on until append moves it
	t.logs, t.sizes = t.logs[1:], t.sizes[1:]
	t.first++
}

func (t *tail) get(index uint64) *hraft.Log {
	if index < t.first || index-t.first >= uint64(len(t.logs)) {
		return nil
	}
	return t.logs[index-t.first]
}

// forget drops what lies in from…to, a prefix or a suffix of the log.
func (t *tail) forget(from, to uint64) {
	for len(t.logs) > 0 && t.first >= from && t.first <= to {
		t.drop()
	}
	for n := len(t.logs); n > 0 && t.first+uint64(n)-1 >= from && t.first+uint64(n)-1 <= to; n = len(t.logs) {
		t.bytes -= t.sizes[n-1]
		t.logs[n-1] = nil
		t.logs, t.sizes = t.logs[:n-1], t.sizes[:n-1]
	}
}
