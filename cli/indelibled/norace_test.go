//go:build !race

package main

// exampleLines is how many Observations of the example data are taken: all.
const exampleLines = 1 << 20
