package store

import (
	"fmt"
	"strconv"

	"davit/policy"
	"davit/store/engine"
)

// rootName is the name under which a space's root is kept below node 0.
func rootName(n policy.Node) string { return strconv.FormatUint(uint64(n), 10) }

// children scans the entries of a collection by name, those after a name first
// when it is given, until fn answers false.
func (tx *Tx) children(g grant, dir policy.Node, after string, fn func(*Entry) bool) error {
	lo := entryKey(dir, after)
	if after != "" {
		lo = append(lo, 0)
	}
	var e Entry
	var failed error
	err := tx.r.Scan(lo, key1(tableEntry, uint64(dir)+1), func(k, v []byte) bool {
		e = Entry{Name: string(k[9:])}
		if failed = decodeEntry(&e, v); failed != nil {
			failed = fmt.Errorf("%q in %d: %w", e.Name, dir, failed)
			return false
		}
		return fn(&e)
	})
	if err == nil {
		err = failed
	}
	return err
}

// put writes the entry of a node below a collection.
func (tx *Tx) put(g grant, parent policy.Node, e *Entry) error {
	return tx.w.Put(entryKey(parent, e.Name), appendEntry(nil, e))
}

// link puts a node under a name; the way up follows.
func (tx *Tx) link(g grant, parent policy.Node, e *Entry) error {
	if err := tx.put(g, parent, e); err != nil {
		return err
	}
	if e.Indexed {
		if err := tx.enter(g, parent, e.Node); err != nil {
			return err
		}
	}
	return tx.w.Put(nodeKey(e.Node), appendNode(nil, nodeRec{parent: parent, name: e.Name}))
}

// unlink takes a name away; the node stays.
func (tx *Tx) unlink(g grant, parent policy.Node, name string) error {
	e, found, err := tx.lookup(parent, name)
	if err == nil && found && e.Indexed {
		err = tx.leave(g, parent, e.Node)
	}
	if err != nil {
		return err
	}
	return tx.w.Delete(entryKey(parent, name))
}

// newNode makes a node that stands nowhere yet.
func (tx *Tx) newNode() (policy.Node, error) {
	id, err := tx.st.ids.take(tx.w)
	return policy.Node(id), err
}

// nodeRec reads the way up from a node.
func (tx *Tx) nodeRec(n policy.Node) (nodeRec, error) {
	v, err := tx.r.Get(nodeKey(n))
	if err != nil {
		return nodeRec{}, err
	}
	if v == nil {
		return nodeRec{}, fmt.Errorf("node %d: %w", n, ErrNotFound)
	}
	return decodeNode(v)
}

// way leads from a space's root to the node, whether it is listed or in the
// trash.
func way(r engine.Reader, n policy.Node) ([]policy.Node, error) {
	var up []policy.Node
	for n != 0 {
		up = append(up, n)
		v, err := r.Get(nodeKey(n))
		if err != nil {
			return nil, err
		}
		if v == nil || len(up) > depthMax {
			return nil, fmt.Errorf("node %d hangs in the air: %w", n, engine.ErrDamaged)
		}
		rec, err := decodeNode(v)
		if err != nil {
			return nil, err
		}
		n = rec.parent
	}
	for i, j := 0, len(up)-1; i < j; i, j = i+1, j-1 {
		up[i], up[j] = up[j], up[i]
	}
	return up, nil
}

// depthMax is how deep a tree may go: a path of 4 KiB holds no more names.
const depthMax = 2048

// pathOf is the path of a node.
func (tx *Tx) pathOf(g grant, n policy.Node) (Path, error) {
	var names []string
	for {
		rec, err := tx.nodeRec(n)
		if err != nil {
			return nil, err
		}
		if rec.parent == 0 {
			break
		}
		names = append(names, rec.name)
		n = rec.parent
	}
	p := Path{tx.spaceName(n)}
	for i := len(names) - 1; i >= 0; i-- {
		p = append(p, names[i])
	}
	return p, nil
}

// spaceName is the first name of paths into the space with that root.
func (tx *Tx) spaceName(root policy.Node) string {
	sp := tx.state.SpaceAt(root)
	if sp == nil {
		return "?"
	}
	return SpacePath(tx.state, sp)
}

// SpacePath is the name that paths into a space begin with.
func SpacePath(state *policy.State, sp *policy.Space) string {
	if sp.Kind == policy.Personal {
		if u := state.User(sp.Owner); u != nil {
			return "~" + u.Name
		}
	}
	return sp.Name
}

// all tells whether something holds of a node and of everything below it.
func (tx *Tx) all(g grant, e *Entry, holds func(*Entry) bool) (bool, error) {
	if !holds(e) {
		return false, nil
	}
	if !e.Dir {
		return true, nil
	}
	whole := true
	for dirs := []policy.Node{e.Node}; whole && len(dirs) > 0; {
		dir := dirs[0]
		dirs = dirs[1:]
		err := tx.children(g, dir, "", func(c *Entry) bool {
			whole = whole && holds(c)
			if c.Dir {
				dirs = append(dirs, c.Node)
			}
			return whole
		})
		if err != nil {
			return false, err
		}
	}
	return whole, nil
}

// sumOf is what lies below a collection.
func (tx *Tx) sumOf(dir policy.Node) (sum, error) {
	v, err := tx.r.Get(sumKey(dir))
	if err != nil || v == nil {
		return sum{}, err
	}
	return decodeSum(v)
}

// sizeOf is what a node weighs in its parent's sum, with what this transaction has
// charged so far.
func (tx *Tx) sizeOf(e *Entry) (sum, error) {
	if e.Dir {
		s, err := tx.sumOf(e.Node)
		return s.plus(tx.charges[e.Node]), err
	}
	return e.weight(), nil
}
