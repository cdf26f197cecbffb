// Package config is everything a node is told from outside: the settings, each
// described once, and the file they stand in.
//
// Its law: one table (settings) says of every setting what it is called, what it
// means, whether it must be there and whether it is a path. Flags, file, defaults,
// checks and what --print-config shows are made of it.
package config
