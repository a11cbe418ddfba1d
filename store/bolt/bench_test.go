package bolt_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"davit/store/bolt"
	"davit/store/engine"
)

// BenchmarkUpdate is one durable change of 170 bytes, alone and in company.
func BenchmarkUpdate(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d", clients), func(b *testing.B) {
			db := open(b, filepath.Join(b.TempDir(), "meta.db"), bolt.Options{})
			defer db.Close()
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range clients {
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						put(b, db, fmt.Sprintf("a%08d", i*7919%100_000_000), string(make([]byte, 150)))
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkGet is the reading of a request: one View and five keys.
func BenchmarkGet(b *testing.B) {
	const keys = 100_000
	db := open(b, filepath.Join(b.TempDir(), "meta.db"), bolt.Options{})
	defer db.Close()
	err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
		for i := range keys {
			if err := w.Put(fmt.Appendf(nil, "a%08d", i), make([]byte, 150)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		var key []byte
		for i := 0; pb.Next(); i++ {
			err := db.View(func(r engine.Reader) error {
				for level := range 5 {
					key = fmt.Appendf(key[:0], "a%08d", (i*7919+level*15331)%keys)
					if value, err := r.Get(key); err != nil || value == nil {
						return fmt.Errorf("get %s: %v, %w", key, value, err)
					}
				}
				return nil
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}
