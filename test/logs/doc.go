// Package logs collects what a program under test writes to its log.
//
// Its law: it may be written to and read from any number of goroutines.
package logs
