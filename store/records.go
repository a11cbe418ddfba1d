package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// keep writes the records that a change of policy touched.
func (tx *Tx) keep(epoch uint64, d policy.Delta) error {
	for id, u := range d.Users {
		if err := keepRecord(tx.w, key1(tableUser, uint64(id)), u); err != nil {
			return err
		}
		tx.w.OnCommit(func() { tx.st.stamps.bump(id) })
		if u == nil {
			if err := tx.dropPushes(id, nil); err != nil {
				return err
			}
		}
	}
	for id, g := range d.Groups {
		if err := keepRecord(tx.w, key1(tableGroup, uint64(id)), g); err != nil {
			return err
		}
	}
	for id, p := range d.Profiles {
		if err := keepRecord(tx.w, key1(tableProfile, uint64(id)), p); err != nil {
			return err
		}
	}
	for id, sp := range d.Spaces {
		if err := keepRecord(tx.w, key1(tableSpace, uint64(id)), sp); err != nil {
			return err
		}
		if sp != nil {
			tx.adopt = append(tx.adopt, sp.Root)
		}
	}
	for n, m := range d.Marks {
		if err := keepRecord(tx.w, key1(tableMark, uint64(n)), m); err != nil {
			return err
		}
		if m != nil && m.Quota != nil {
			tx.adopt = append(tx.adopt, n)
		}
	}
	if d.Settings != nil {
		if err := keepRecord(tx.w, keySettings, d.Settings); err != nil {
			return err
		}
	}
	return tx.w.Put(keyEpoch, beUint64(epoch))
}

// keepRecord writes a record as JSON, or takes it away when it is nil.
func keepRecord[T any](w engine.Writer, key []byte, rec *T) error {
	if rec == nil {
		return w.Delete(key)
	}
	v, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return w.Put(key, v)
}

// loadPolicy makes the state of what is kept.
func loadPolicy(r engine.Reader) (*policy.State, error) {
	m := policy.Model{}
	if v, err := r.Get(keyEpoch); err != nil {
		return nil, err
	} else if v != nil {
		if m.Epoch, err = readUint64(v); err != nil {
			return nil, err
		}
	}
	var err error
	if m.Settings, err = loadSettings(r); err != nil {
		return nil, err
	}
	if err := loadTable(r, tableUser, &m.Users); err != nil {
		return nil, err
	}
	if err := loadTable(r, tableGroup, &m.Groups); err != nil {
		return nil, err
	}
	if err := loadTable(r, tableProfile, &m.Profiles); err != nil {
		return nil, err
	}
	if err := loadTable(r, tableSpace, &m.Spaces); err != nil {
		return nil, err
	}
	roots := make(map[policy.Node]policy.ID, len(m.Spaces))
	for _, sp := range m.Spaces {
		roots[sp.Root] = sp.ID
	}
	var marks []policy.Mark
	if err := loadTable(r, tableMark, &marks); err != nil {
		return nil, err
	}
	for _, mark := range marks {
		placed, err := placeMark(r, mark, roots)
		if err != nil {
			return nil, err
		}
		m.Marks = append(m.Marks, placed)
	}
	return policy.Load(m)
}

// loadSettings reads the settings, nil for those of a store that nobody has set.
func loadSettings(r engine.Reader) (*policy.Settings, error) {
	v, err := r.Get(keySettings)
	if err != nil || v == nil {
		return nil, err
	}
	set := new(policy.Settings)
	if err := json.Unmarshal(v, set); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return set, nil
}

func placeMark(r engine.Reader, mark policy.Mark, roots map[policy.Node]policy.ID) (policy.PlacedMark, error) {
	up, err := way(r, mark.Node)
	if err != nil {
		return policy.PlacedMark{}, fmt.Errorf("entries of node %d: %w", mark.Node, err)
	}
	placed := policy.PlacedMark{Mark: mark, At: policy.Place{Space: roots[up[0]], Path: up}}
	for _, n := range up {
		rec, err := (&Tx{r: r}).nodeRec(n)
		if err != nil {
			return placed, err
		}
		if rec.trash != 0 {
			placed.Parked = append(placed.Parked, n)
		}
	}
	return placed, nil
}

func loadTable[T any](r engine.Reader, table byte, into *[]T) error {
	return scanTable(r, table, func(k, v []byte) error {
		var rec T
		if err := json.Unmarshal(v, &rec); err != nil {
			return fmt.Errorf("record %c%d: %w", table, binary.BigEndian.Uint64(k[1:]), err)
		}
		*into = append(*into, rec)
		return nil
	})
}
