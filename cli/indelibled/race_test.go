//go:build race

package main

// What the race detector makes too slow to be done in full.
const (
	exampleLines = 700   // Observations of the example data that are taken
	kills        = 4     // of the quickstart process
	wholeRoad    = false // whether the README's second section is followed as well
)
