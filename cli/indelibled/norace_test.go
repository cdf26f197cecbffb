//go:build !race

package main

const (
	exampleLines = 1 << 20 // Observations of the example data that are taken: all
	kills        = 9       // of the quickstart process
	wholeRoad    = true    // whether the README's second section is followed as well
)
