package store

import (
	"encoding/binary"

	"davit/policy"
)

// ChangeOp is what happened to a node.
type ChangeOp byte

const (
	Created ChangeOp = iota + 1
	Updated
	Removed
	Arrived // Created by what came from another space
)

// changeRec is one line of a space's change log. The lines since a moment, undone
// from the newest on, lead back to the tree of that moment: what was Created, or
// Arrived, stood nowhere or in its before, what was Removed stood at its place, and
// what was Updated had the revision of its before.
type changeRec struct {
	op     ChangeOp
	node   policy.Node
	parent policy.Node
	name   string
	actor  policy.ID
	at     int64 // Unix nanoseconds
	before before
}

// before is what a node was before a change, as far as the change says.
type before struct {
	how how
	// parent and name are where it stood: what was moved, or restored from the
	// trash. A parent in another space says that it came from there.
	parent policy.Node
	name   string
	rev    uint64      // of the content that was replaced; a version has it if one was kept
	trash  uint64      // number of the deletion that was undone, 0 of what only lay below one
	again  uint64      // of an update: revision whose content came back, and that no version has from now on
	with   policy.Node // the other one of two that changed names and contents
}

// how says in which way a change came about; 0 in lines that do not tell.
type how byte

const (
	byMaking      how = iota + 1
	byMove            // in pairs: Removed from there, Created here
	byTrash           // a DELETE, or replaced by something else
	byRestore         // from the trash
	byReplacement     // of the content
	bySwap            // two files changed names and contents: Updated both
	byMerge           // Removed: its content went into the file that it was saved over
	byPatch           // Updated: properties and times, not the content
	byRewriting       // Updated: the same bytes once more
	byFilling         // Updated: there were no bytes
)

// making is the line of something new.
func making(n, parent policy.Node, name string) changeRec {
	return changeRec{op: Created, node: n, parent: parent, name: name, before: before{how: byMaking}}
}

// tellsBefore marks a line with a before, beside its op.
const tellsBefore = 0x80

func appendChange(b []byte, c changeRec) []byte {
	op := byte(c.op)
	if c.before.how != 0 {
		op |= tellsBefore
	}
	b = append(b, op)
	b = binary.AppendUvarint(b, uint64(c.node))
	b = binary.AppendUvarint(b, uint64(c.parent))
	b = binary.AppendUvarint(b, uint64(c.actor))
	b = binary.AppendVarint(b, c.at)
	if w := &c.before; w.how != 0 {
		b = append(b, byte(w.how))
		number := w.trash
		if c.op == Updated { // which undoes no deletion
			number = w.again
		}
		for _, n := range [...]uint64{uint64(w.parent), w.rev, number, uint64(w.with), uint64(len(w.name))} {
			b = binary.AppendUvarint(b, n)
		}
		b = append(b, w.name...)
	}
	return append(b, c.name...)
}

func decodeChange(b []byte) (changeRec, error) {
	d := decoder{b: b}
	op := d.byte()
	c := changeRec{op: ChangeOp(op &^ tellsBefore), node: policy.Node(d.uvarint()), parent: policy.Node(d.uvarint()),
		actor: policy.ID(d.uvarint()), at: d.varint()}
	if op&tellsBefore != 0 {
		c.before = before{how: how(d.byte()), parent: policy.Node(d.uvarint()), rev: d.uvarint(), trash: d.uvarint(),
			with: policy.Node(d.uvarint())}
		c.before.name = d.text()
		if c.op == Updated {
			c.before.trash, c.before.again = 0, c.before.trash
		}
	}
	c.name = string(d.b)
	d.b = nil
	return c, d.done("change")
}

// log writes a line of the space's change log and gives its number.
func (tx *Tx) log(space policy.ID, actor policy.ID, c changeRec) (uint64, error) {
	seq, err := tx.nextSeq(space)
	if err != nil {
		return 0, err
	}
	c.actor, c.at = actor, tx.now.UnixNano()
	tx.stir(&c)
	return seq, tx.w.Put(changeKey(space, seq), appendChange(nil, c))
}
