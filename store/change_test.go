package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"davit/policy"
)

func TestChangesAreReadBack(t *testing.T) {
	for _, c := range []changeRec{
		{op: Created, node: 7, parent: 3, name: "a", actor: 9, at: 1},
		{op: Created, node: 7, parent: 3, name: "a", actor: 9, at: 1, before: before{how: byRestore, parent: 4, name: "b", trash: 6}},
		{op: Updated, node: 1 << 40, parent: 3, name: "", actor: 9, at: -1, before: before{how: bySwap, parent: 4, name: "Ärger", rev: 1 << 50, again: 6, with: 8}},
	} {
		got, err := decodeChange(appendChange(nil, c))
		if err != nil || got != c {
			t.Errorf("%+v became %+v (%v)", c, got, err)
		}
	}
	// A line as it was before lines told what was before.
	old := []byte{byte(Removed), 7, 3, 9, 2, 'a', '.', 't'}
	if got, err := decodeChange(old); err != nil || got != (changeRec{op: Removed, node: 7, parent: 3, actor: 9, at: 1, name: "a.t"}) {
		t.Errorf("an older line is %+v (%v)", got, err)
	}
}

// stands is where a node is, and the revision of its content.
type stands struct {
	parent policy.Node
	name   string
	rev    uint64
	out    bool // in the trash
}

// standing reads where every node is.
func (of *office) standing() map[policy.Node]stands {
	of.t.Helper()
	all := map[policy.Node]stands{}
	must(of.t, of.st.view(func(tx *Tx) error {
		err := scanTable(tx.r, tableNode, func(k, v []byte) error {
			rec, err := decodeNode(v)
			all[policy.Node(binary.BigEndian.Uint64(k[1:]))] = stands{parent: rec.parent, name: rec.name, out: rec.trash != 0}
			return err
		})
		if err != nil {
			return err
		}
		rev := func(e *Entry) {
			s := all[e.Node]
			if s.rev = e.Rev; e.Dir {
				s.rev = 0
			}
			all[e.Node] = s
		}
		err = scanTable(tx.r, tableEntry, func(_, v []byte) error {
			var e Entry
			err := decodeEntry(&e, v)
			rev(&e)
			return err
		})
		if err != nil {
			return err
		}
		return scanTable(tx.r, tableTrash, func(_, v []byte) error {
			rec, err := decodeTrash(v)
			rev(&rec.entry)
			return err
		})
	}))
	return all
}

// tree is what is listed below a root, by path.
func tree(all map[policy.Node]stands, root policy.Node) map[string]string {
	listed := map[string]string{}
	for n, s := range all {
		path, up := s.name, s
		for !up.out && up.parent != root && up.parent != 0 {
			up = all[up.parent]
			path = up.name + "/" + path
		}
		if !up.out && up.parent == root {
			listed[path] = fmt.Sprintf("%d of revision %d", n, s.rev)
		}
	}
	return listed
}

// undo takes one line of the log back.
func undo(all map[policy.Node]stands, c changeRec) {
	s := all[c.node]
	switch c.op {
	case Created:
		s.out = true
		if c.before.how == byRestore {
			s.parent, s.name, s.out = c.before.parent, c.before.name, c.before.trash != 0
		}
	case Removed:
		s.parent, s.name, s.out = c.parent, c.name, false
		if c.before.how == byMerge {
			s.rev = c.before.rev
		}
	case Updated:
		s.rev = c.before.rev
		if c.before.how == bySwap {
			s.parent, s.name = c.before.parent, c.before.name
		}
	}
	all[c.node] = s
}

// TestUndoingTheLog: from the tree of now the lines of the log lead back to that of
// every moment before.
func TestUndoingTheLog(t *testing.T) {
	of, mia, max, _, _ := saveOffice(t)
	team := of.st.Policy().SpaceNamed("Team")
	var moments []map[string]string
	var seqs []uint64
	seq := func() (n uint64) {
		must(t, of.st.view(func(tx *Tx) error {
			v, err := tx.r.Get(seqKey(team.ID))
			if err == nil {
				n, err = readUint64(v)
			}
			return err
		}))
		return n
	}
	for _, step := range []func(){
		func() { of.put(mia, "/Team/doc", text(5, 50)) },
		func() { of.move(mia, "/Team/doc", "/Team/dir/doc") },
		func() { must(t, remove(mia, "/Team/dir")) },
		func() { of.put(mia, "/Team/dir", text(1, 5)) },
		func() { of.move(mia, ".trash/Team/dir/doc", "/Team/doc") },
		func() { of.move(mia, ".trash/Team/dir", "/Team/folder") },
		func() { must(t, second(mia.Copy(ctx, split("/Team/doc"), split("/Team/dir"), true, false, Terms{}))) },
		func() { of.put(max, "/Team/tmp", text(2, 30)) },
		func() { of.move(max, "/Team/tmp", "/Team/doc") },
		func() { of.move(max, "/Team/doc", "/Team/doc~") },
		func() { of.put(max, "/Team/doc", text(3, 30)) },
		func() { of.move(mia, "/Team/dir", "/Team/doc~") },
		func() { of.move(mia, ".versions/Team/doc~/version-1", "/Team/doc~") },
	} {
		moments, seqs = append(moments, tree(of.standing(), team.Root)), append(seqs, seq())
		step()
	}
	all := of.standing()
	newest := seq()
	for i := len(moments) - 1; i >= 0; i-- {
		for ; newest > seqs[i]; newest-- {
			must(t, of.st.view(func(tx *Tx) error {
				v, err := tx.r.Get(changeKey(team.ID, newest))
				if err != nil {
					return err
				}
				c, err := decodeChange(v)
				if c.before.how == 0 {
					t.Errorf("change %d does not tell what was before: %+v", newest, c)
				}
				undo(all, c)
				return err
			}))
		}
		if got := tree(all, team.Root); !reflect.DeepEqual(got, moments[i]) {
			t.Fatalf("before step %d there were\n%v\nnot\n%v", i+1, sorted(moments[i]), sorted(got))
		}
	}
}

func sorted(listed map[string]string) (lines []string) {
	for _, p := range slices.Sorted(maps.Keys(listed)) {
		lines = append(lines, p+": "+listed[p])
	}
	return lines
}
