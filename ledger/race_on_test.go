//go:build race

package ledger_test

// raceDetector is whether this test binary was built with it. It makes
// everything about ten times slower, so random tests then try fewer seeds.
const raceDetector = true
