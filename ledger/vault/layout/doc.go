// Package layout is the one fixed layout of a vault's commands, rows and sealed
// lists: big-endian integers, byte strings behind a four-byte length, lists
// behind a four-byte count.
//
// Its law: a type names its fields once, in Fields, and that one list is both
// its writer and its reader. There is one spelling of each value, and reading is
// strict: what is missing, left over or counted wrongly is ErrMalformed. It
// imports nothing of this module.
package layout
