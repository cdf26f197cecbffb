// Package layout is the one spelling of a vault's commands, rows and sealed
// lists: the exported fields of a Go type, in their order. Numbers are big-endian;
// byte strings stand behind a four-byte length, lists behind a four-byte count;
// an array of bytes stands as it is.
//
// Its law: to reorder, add or retype a field of a type that is written by this
// package is to change the format. There is one spelling of each value, and
// reading is strict: what is missing, left over or counted wrongly is
// ErrMalformed. It imports nothing of this module.
package layout
