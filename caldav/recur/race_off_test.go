//go:build !race

package recur_test

// raced tells that the race detector slows every test down.
const raced = false
