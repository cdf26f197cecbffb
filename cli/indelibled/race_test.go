//go:build race

package main

// exampleLines is how many Observations of the example data are taken: the race
// detector makes each cost ten times as much.
const exampleLines = 700
