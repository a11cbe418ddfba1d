package main

import (
	"fmt"
	"math/rand/v2"
)

const rangeSize = 64 << 10

func downloads(s scale) []workload {
	return []workload{
		{
			name: "GET 1 KiB, 16 connections", connections: 16, batches: 1,
			unit: perSecond, bar: bar{naive: 1.2},
			prepare: needSmall,
			run: func(b *batch) (int, error) {
				return b.parallel(func(c *client, worker, i int) error {
					name := smallName(worker + i)
					return get(c, name, contentOf(name, fileSize))
				})
			},
		},
		{
			name: fmt.Sprintf("GET %d MiB", s.bigSize>>20), connections: 1, batches: 1,
			unit: bandwidth(s.bigSize), bar: bar{naive: 1.2},
			prepare: needBig,
			run: func(b *batch) (int, error) {
				return b.parallel(func(c *client, _, _ int) error {
					v := &sampler{content: b.big()}
					if _, err := c.stream(request{method: "GET", path: bigName}, v, 200); err != nil {
						return err
					}
					return complete(v.content, v.offset)
				})
			},
			check: func(b *batch) error { return get(b.one(), bigName, b.big()) },
		},
		{
			name: "GET ranges of 64 KiB, 16 connections", connections: 16, batches: 1,
			unit: perSecond, bar: bar{naive: 1.2},
			prepare: needBig,
			run:     ranges,
		},
	}
}

// ranges reads pieces from places that are spread over the file, the same ones
// on each server.
func ranges(b *batch) (int, error) {
	whole := b.big()
	return b.parallel(func(c *client, worker, i int) error {
		spread := rand.NewPCG(uint64(worker), uint64(i))
		from := int64(spread.Uint64() % uint64(whole.size-rangeSize))
		to := from + rangeSize - 1
		v := &verifier{content: whole, offset: from}
		q := request{method: "GET", path: bigName, headers: fmt.Sprintf("Range: bytes=%d-%d\r\n", from, to)}
		r, err := c.stream(q, v, 206)
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("bytes %d-%d/%d", from, to, whole.size); r.contentRange != want {
			return wrong("Content-Range %q came, not %q", r.contentRange, want)
		}
		if r.length != rangeSize {
			return wrong("%d bytes came for a range of %d", r.length, rangeSize)
		}
		return nil
	})
}
