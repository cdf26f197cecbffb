// Package ledgertest founds small logs for tests, of this and other packages:
// keys, a genesis, enrolments, subjects with devices, and statements signed by
// any of them. Everything follows from a seed, so a failed test can be repeated
// byte for byte.
//
//	w := ledgertest.NewWorld(t, 1)
//	l := w.Open(t, vfs.NewMem(), "ledger")
//	w.Apply(t, l, w.Staff()...)
//	s, setup := w.Subject("eu")
//	w.Apply(t, l, setup...)
//	out := w.Apply(t, l, w.Reading(s))
//
// It is for tests only; no product code imports it.
package ledgertest
