// Package statetest cuts the power of a file system in memory.
//
// Its law: the same writes and the same seed leave the same image.
package statetest
