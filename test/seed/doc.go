// Package seed gives the random tests of the module their seeds. There is one
// way to repeat a run, for every package: the environment variable
// INDELIBLE_SEED. A random test that fails prints the command with it.
//
// Its law: a test that takes all its chance from here, and nothing from the
// clock or from the order of goroutines, does the same again for the same seed.
package seed
