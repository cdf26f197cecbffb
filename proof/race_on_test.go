//go:build race

package proof

// raceDetector says that this test binary is about ten times slower.
const raceDetector = true
