package enginetest

import (
	"testing"

	"davit/store/engine"
)

func openMemory(*testing.T) engine.Engine { return NewMemory(nil, nil) }

func TestMemory(t *testing.T) { Run(t, openMemory) }

func TestMemoryDamage(t *testing.T) {
	Damage(t, openMemory, func(t *testing.T, db engine.Engine, payload []byte) engine.Engine {
		if hits := db.(*Memory).Flip(payload); hits != 1 {
			t.Fatalf("%d values damaged, want 1", hits)
		}
		return db
	})
}
