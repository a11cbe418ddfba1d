package dav_test

import (
	"flag"
	"testing"
)

// TestMain lets more tests run at a time than there are processors: each has a
// server of its own, and mostly they wait for the disk. The command line may say
// otherwise, with -parallel.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8")
	m.Run()
}
