// Package journaltest is a directory that loses power, for tests of what stands on
// package journal. It has the same interface as a directory of the operating system
// and keeps apart what was written from what was synced.
//
// A power cut keeps of every file what was synced and any choice of what was written
// since then, sector by sector, and of the directory the names that were synced and
// any choice of the later changes: more than a real file system would lose, so that
// nothing rests on the order in which one writes back.
package journaltest
