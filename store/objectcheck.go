package store

import (
	"bytes"
	"fmt"
	"slices"

	"davit/policy"
)

// This file holds the index of the calendars against their objects.

// objects works out what the index has to hold, while the tree is walked.
type objects struct {
	records map[policy.Node]string // of objects reached, also in the trash
	keys    map[string]string      // by which listed ones are found
}

// indexed notes one that was reached, in a calendar or, with none, in the trash.
func (k *checker) indexed(e *Entry, calendar policy.Node) {
	g := housekeeping(k.tx, e.Node)
	rec, err := k.tx.objectRec(g, e.Node)
	if err != nil {
		k.faultf("calendar object %d (%q): nothing to find it by (%v)", e.Node, e.Name, err)
		return
	}
	k.objects.records[e.Node] = string(appendObject(nil, &rec))
	k.readObject(g, e, &rec)
	if calendar == 0 {
		return
	}
	uid := string(uidKey(calendar, rec.uid))
	if _, twice := k.objects.keys[uid]; twice {
		k.faultf("calendar %d has two objects of the UID %q", calendar, rec.uid)
	}
	k.objects.keys[uid] = string(beUint64(uint64(e.Node)))
	for key, v := range rec.spanKeys(calendar, e.Node) {
		k.objects.keys[string(key)] = string(v)
	}
}

// readObject holds the record of an object against its content.
func (k *checker) readObject(g grant, e *Entry, rec *objectRec) {
	if k.st.index == nil {
		return
	}
	content, err := k.tx.whole(g, e)
	if err != nil {
		return // told by the check of contents
	}
	obj, err := k.st.index(content, rec.known)
	if err != nil {
		k.faultf("calendar object %d (%q): %v", e.Node, e.Name, err)
		return
	}
	if obj.Private != e.Private {
		k.faultf("calendar object %d (%q): it says private=%t, and its content %t", e.Node, e.Name, e.Private, obj.Private)
	}
	if obj.Scheduled != e.Scheduled {
		k.faultf("calendar object %d (%q): it says scheduled=%t, and its content %t", e.Node, e.Name, e.Scheduled, obj.Scheduled)
	}
	k.namedAttachments(g, e, &obj)
	want := recordOf(&obj)
	if !rec.taking.known() {
		want.taking = rec.taking // less than there is to tell is not wrong
	}
	if !bytes.Equal(appendObject(nil, &want), appendObject(nil, rec)) {
		k.faultf("calendar object %d (%q): found by what its content does not say: %s", e.Node, e.Name, rec.difference(&want))
	}
}

// difference names the first part in which two records differ.
func (o *objectRec) difference(want *objectRec) string {
	switch {
	case o.uid != want.uid:
		return fmt.Sprintf("UID %q instead of %q", o.uid, want.uid)
	case o.component != want.component:
		return fmt.Sprintf("%s instead of %s", o.component, want.component)
	case o.extent != want.extent:
		return fmt.Sprintf("extent %v instead of %v", o.extent, want.extent)
	case o.known != want.known:
		return fmt.Sprintf("known %v instead of %v", o.known, want.known)
	case o.taking != want.taking:
		return fmt.Sprintf("taking %v instead of %v", o.taking, want.taking)
	}
	return "its days"
}

// objectTables: the index holds what the objects say, and nothing else.
func (k *checker) objectTables() error {
	err := scanPrefix(k.tx.r, []byte{tableObject}, func(key, v []byte) bool {
		if n := policy.Node(readKey(key)); k.objects.records[n] == "" {
			k.faultf("record of calendar object %d, which is none", n)
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, table := range []byte{tableUID, tableSpan} {
		err := scanPrefix(k.tx.r, []byte{table}, func(key, v []byte) bool {
			if table == tableSpan && len(key) == len(tallyKey(0)) && key[9] == spanTally {
				if n := policy.Node(readKey(key)); !k.nodes[n] {
					k.faultf("changes are counted of %d, which is no calendar", n)
				}
				return true
			}
			want, known := k.objects.keys[string(key)]
			if !known || want != string(v) {
				k.faultf("index of calendar %d: %x leads to what is not so", readKey(key), key[9:])
			}
			delete(k.objects.keys, string(key))
			return true
		})
		if err != nil {
			return err
		}
	}
	for key := range k.objects.keys {
		k.faultf("index of calendar %d: %x is missing", readKey([]byte(key)), key[9:])
	}
	return nil
}

// attachmentsOf holds what an object says of its attachments against them.
func (k *checker) attachmentsOf(e *Entry) error {
	list, err := k.tx.attachments(housekeeping(k.tx, e.Node), e.Node)
	if err != nil {
		k.faultf("calendar object %d (%q): its attachments: %v", e.Node, e.Name, err)
		return k.told(err)
	}
	var have attachedSum
	for i := range list {
		a := &list[i]
		have = attachedSum{have.count + 1, have.bytes + a.own()}
		if v, err := k.tx.r.Get(holderKey(a.ID, e.Node)); err != nil || v == nil {
			k.faultf("attachment %s: it does not know of object %d, which has it (%v)", a.ID, e.Node, err)
		}
		if a.where != nowhere {
			k.uses[refOf{a.content, e.Node, attachedVersion(a.number)}] = a.Size
		}
	}
	k.found.Attachments += len(list)
	k.found.Bytes += have.bytes
	if have != e.attached {
		k.faultf("calendar object %d (%q): its attachments are %+v, it says %+v", e.Node, e.Name, have, e.attached)
	}
	return nil
}

// namedAttachments holds what the content of an object names against what the object
// has. What other servers have given is nothing here.
func (k *checker) namedAttachments(g grant, e *Entry, obj *Object) {
	list, err := k.tx.attachments(g, e.Node)
	if err != nil {
		return // told with the sums
	}
	for i := range list {
		if !slices.Contains(obj.Attachments, list[i].ID) {
			k.faultf("calendar object %d (%q): it has attachment %s and does not name it", e.Node, e.Name, list[i].ID)
		}
	}
	for _, id := range obj.Attachments {
		if IsAttachmentID(id) && !slices.ContainsFunc(list, func(a attached) bool { return a.ID == id }) {
			k.faultf("calendar object %d (%q): it names attachment %s and does not have it", e.Node, e.Name, id)
		}
	}
}

// attachmentTables: every attachment is of an object that was reached, and leads to it.
func (k *checker) attachmentTables() error {
	for table, of := range map[byte]string{tableAttached: "attachments", tableHolder: "ways from attachments to objects"} {
		n, err := count(k.tx.r, table)
		if err != nil {
			return err
		}
		if n != k.found.Attachments {
			k.faultf("%d %s, the objects that are there have %d", n, of, k.found.Attachments)
		}
	}
	return nil
}
