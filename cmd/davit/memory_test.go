package main

import (
	"context"
	"math"
	"runtime/debug"
	"testing"
	"time"
)

func TestBoundMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	ctx, stop := context.WithCancel(t.Context())
	tick, done := make(chan time.Time), make(chan struct{})
	go func() {
		boundMemory(ctx, tick)
		close(done)
	}()
	tick <- time.Now() // the first limit is set by now
	small := debug.SetMemoryLimit(-1)
	if small <= memoryRoom || small == math.MaxInt64 {
		t.Errorf("the limit is %d", small)
	}
	used := make([]byte, 64<<20)
	debug.FreeOSMemory() // also a collection
	tick <- time.Now()
	tick <- time.Now()
	if now := debug.SetMemoryLimit(-1); now < small+int64(len(used)) {
		t.Errorf("%d bytes more are used, and the limit went from %d to %d", len(used), small, now)
	}
	used[0] = 1
	stop()
	<-done
}

func TestBoundMemoryElsewhere(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	before := debug.SetMemoryLimit(-1)
	boundMemory(t.Context(), nil) // returns at once
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("the limit went from %d to %d", before, now)
	}
}
