// Package rafttest runs one node, with its ledger and its vault stores, inside
// a test and on a file system the test chooses. It is for tests only.
//
//	w := rafttest.NewWorld(t, 1)
//	n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem()})
//	out := n.MustAppend(t, w.Staff()...)
//	p, err := n.Await(t.Context(), out[0].Index+1)
//
// Everything works inside a testing/synctest bubble. Sweep cuts the power at
// every sync of a piece of work and checks what each cut would have left.
package rafttest
