package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryRoom is what the server may hold beside what it uses, in bytes: what a
	// copy of many files or a few large uploads want for a moment.
	memoryRoom  = 40 << 20
	memoryEvery = time.Second
)

// boundMemory gives back to the system what a large request has left, which the
// runtime by itself does late. It ends with ctx. A limit that the environment sets
// (GOMEMLIMIT) stands instead.
func boundMemory(ctx context.Context, tick <-chan time.Time) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	runtime.GC() // until one is done nothing is known to be in use
	for {
		debug.SetMemoryLimit(memoryLimit(heapInUse()))
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

// memoryLimit is a third more than what is in use, and some room.
func memoryLimit(used uint64) int64 { return int64(used+used/3) + memoryRoom }

// heapInUse is what the last collection found to be used, in bytes.
func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
