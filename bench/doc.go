// Command bench measures a whole node from outside: it builds indelibled, founds a
// log with its quickstart, enrols devices, and sends readings that were signed
// beforehand, so that signing takes nothing of the measured time. Every receipt is
// verified after the clock has stopped, and the run ends in fsck.
//
//	go run ./bench [--output text|json] [--scale 1.0] [--fill N] [--dir DIR]
//
// For calls of 1 and of 256 readings and 1, 16 and 64 clients it prints appends a
// second and how long a call took (median and 99th percentile; a call is answered
// with proven receipts), then what the node keeps on disk for each entry, its
// memory, and how long a restart takes. Clients are closed loops: each sends its
// next call when the last one is answered. Node and clients share the machine.
package main
