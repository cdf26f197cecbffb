//go:build race

package entry

// raceEnabled scales work down where every memory access costs ten.
const raceEnabled = true
