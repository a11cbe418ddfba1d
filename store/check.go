package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"davit/policy"
	"davit/store/blob"
	"davit/store/engine"
)

// Checked is what a check found.
type Checked struct {
	Spaces, Collections, Files, Versions, Attachments, Trashed, Locks, Links int

	Bytes  int64 // of files, listed or in the trash, of their versions and attachments
	Faults []string
}

// faultsMax is how many faults are told; the rest is counted.
const faultsMax = 1000

// Check reads the whole store and reports every disagreement: structure and
// checksums of the database, entries and the way up, sums, references and
// files of contents, trash, properties, locks, sequences, and the ledger. It
// changes nothing and may run beside requests.
func (st *Store) Check(ctx context.Context) (Checked, error) {
	k := &checker{st: st}
	if err := st.db.Check(ctx, k.fault); err != nil {
		return k.found, err
	}
	err := st.db.View(func(r engine.Reader) error {
		state, err := loadPolicy(r)
		if err != nil {
			k.fault(err.Error())
			return nil
		}
		k.tx = &Tx{st: st, r: r, state: state, now: st.clock()}
		return k.run(ctx)
	})
	if err == nil {
		// In the committer's turn nothing changes, and memory agrees with disk.
		err = st.db.Update(ctx, engine.Background, func(w engine.Writer) error {
			k.tx = &Tx{st: st, r: w, state: st.next, now: st.clock()}
			return k.told(k.memory())
		})
	}
	if k.more > 0 {
		k.found.Faults = append(k.found.Faults, fmt.Sprintf("and %d more", k.more))
	}
	return k.found, err
}

type checker struct {
	st    *Store
	tx    *Tx
	found Checked
	more  int
	nodes map[policy.Node]bool // reached; true for collections
	uses  map[refOf]int64      // content that reached nodes have, or had in a version, with its size
	props map[policy.Node]bool // nodes that say they have properties
	// copied are the contents that copies have, by hash.
	copied map[string]bool
	objects
}

type refOf struct {
	content
	node    policy.Node
	version int // 0 for the file itself
}

// key is that of the reference.
func (r *refOf) key() []byte {
	if r.version == 0 {
		return refKey(r.hash, r.node)
	}
	return versionRefKey(r.hash, r.node, r.version)
}

func (k *checker) fault(text string) {
	if len(k.found.Faults) < faultsMax {
		k.found.Faults = append(k.found.Faults, text)
	} else {
		k.more++
	}
}

func (k *checker) faultf(format string, a ...any) { k.fault(fmt.Sprintf(format, a...)) }

// told passes over damaged records: the check of the database has named each.
func (k *checker) told(err error) error {
	if errors.Is(err, engine.ErrDamaged) {
		return nil
	}
	return err
}

func (k *checker) run(ctx context.Context) error {
	k.nodes, k.uses, k.props = map[policy.Node]bool{}, map[refOf]int64{}, map[policy.Node]bool{}
	k.objects = objects{map[policy.Node]string{}, map[string]string{}}
	trash, err := k.readTrash()
	if k.told(err) != nil {
		return err
	}
	for _, sp := range k.tx.state.Spaces() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := k.told(k.space(sp, trash)); err != nil {
			return err
		}
	}
	if err := k.told(k.copies(trash)); err != nil {
		return err
	}
	for parent, list := range trash {
		for _, t := range list {
			if !k.reached(t.entry.Node) {
				k.faultf("trash: node %d (%q) was in collection %d, which is gone", t.entry.Node, t.entry.Name, parent)
			}
		}
	}
	for _, pass := range []func() error{k.binTable, k.nodeTable, k.sumTable, k.versionTable, k.uploadTables, k.refTable, k.contentTables, k.orphanTable, k.propTable,
		k.lockTable, k.asideTable, k.objectTables, k.attachmentTables, k.linkTables, k.outletTable, k.pushTable, k.loginTable, k.lockoutTable, k.trail, k.ids} {
		if err := k.told(pass()); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) space(sp *policy.Space, trash map[policy.Node][]trashRec) error {
	k.found.Spaces++
	root, ok, err := k.tx.lookup(0, rootName(sp.Root))
	if err != nil || !ok || root.Node != sp.Root || !root.Dir {
		k.faultf("space %q: no root (%v)", sp.Name, err)
		return nil
	}
	if err := k.collection(&root, nodeRec{name: root.Name}, trash); err != nil {
		return err
	}
	return k.sequence(sp)
}

// copies walks the copies under way. Their tops have no way up yet.
func (k *checker) copies(trash map[policy.Node][]trashRec) error {
	var tops []policy.Node
	err := scanPrefix(k.tx.r, []byte{tableStaged}, func(key, _ []byte) bool {
		tops = append(tops, policy.Node(binary.BigEndian.Uint64(key[1:])))
		return true
	})
	for _, top := range tops {
		k.nodes[top] = true
		err = errors.Join(err, k.members(&Entry{Node: top, Name: "a copy under way"}, trash))
	}
	return err
}

func (k *checker) reached(n policy.Node) bool { _, ok := k.nodes[n]; return ok }

func (k *checker) readTrash() (map[policy.Node][]trashRec, error) {
	trash := map[policy.Node][]trashRec{}
	err := scanPrefix(k.tx.r, []byte{tableTrash}, func(key, v []byte) bool {
		t, err := decodeTrash(v)
		if err != nil {
			k.faultf("trash %x: %v", key, err)
			return true
		}
		rec, err := k.tx.nodeRec(t.entry.Node)
		if err != nil || rec.trash != binary.BigEndian.Uint64(key[9:]) || rec.parent != t.parent {
			k.faultf("trash %x: its node %d does not know of it (%v)", key, t.entry.Node, err)
		}
		bin := binKey(t.parent, policy.ID(binary.BigEndian.Uint64(key[1:])), binary.BigEndian.Uint64(key[9:]))
		if v, err := k.tx.r.Get(bin); err != nil || v == nil {
			k.faultf("trash %x: the collection that it lay in does not know of it (%v)", key, err)
		}
		k.found.Trashed++
		trash[t.parent] = append(trash[t.parent], t)
		return true
	})
	return trash, err
}

// collection walks one collection.
func (k *checker) collection(dir *Entry, rec nodeRec, trash map[policy.Node][]trashRec) error {
	k.found.Collections++
	k.node(dir, rec)
	return k.members(dir, trash)
}

// members walks what is in a collection and holds its sum against that.
func (k *checker) members(dir *Entry, trash map[policy.Node][]trashRec) error {
	var members []Entry
	err := k.tx.children(housekeeping(k.tx, dir.Node), dir.Node, "", func(e *Entry) bool {
		members = append(members, *e)
		return true
	})
	if err != nil {
		k.fault(err.Error())
	}
	var total sum
	for i := range members {
		s, err := k.member(&members[i], nodeRec{parent: dir.Node, name: members[i].Name}, trash)
		if err != nil {
			return err
		}
		if members[i].Indexed {
			k.indexed(&members[i], dir.Node)
		}
		total = total.plus(s)
	}
	for i := range trash[dir.Node] {
		t := &trash[dir.Node][i]
		r, err := k.tx.nodeRec(t.entry.Node)
		if err != nil {
			continue // told by readTrash
		}
		s, err := k.member(&t.entry, r, trash)
		if err != nil {
			return err
		}
		if t.entry.Indexed {
			k.indexed(&t.entry, 0)
		}
		total = total.plus(s.binned())
	}
	kept, err := k.tx.sumOf(dir.Node)
	if err != nil || kept != total {
		k.faultf("collection %d (%q): its sum is %+v, below it are %+v (%v)", dir.Node, dir.Name, kept, total, err)
	}
	return nil
}

// member walks what stands in a collection and gives what it weighs.
func (k *checker) member(e *Entry, rec nodeRec, trash map[policy.Node][]trashRec) (sum, error) {
	if e.Dir {
		if err := k.collection(e, rec, trash); err != nil {
			return sum{}, err
		}
		return k.tx.sumOf(e.Node)
	}
	k.node(e, rec)
	k.found.Files++
	k.found.Bytes += e.Size
	if err := k.versions(e); err != nil {
		return sum{}, err
	}
	if err := k.attachmentsOf(e); err != nil {
		return sum{}, err
	}
	if (e.content.where == nowhere) != (e.Size == 0) {
		k.faultf("file %d (%q): %d bytes without content", e.Node, e.Name, e.Size)
	}
	if e.content.where != nowhere {
		k.uses[refOf{e.content, e.Node, 0}] = e.Size
	}
	return k.tx.sizeOf(e)
}

// versions holds what a file says of its versions against them.
func (k *checker) versions(e *Entry) error {
	list, err := k.tx.versions(housekeeping(k.tx, e.Node), e.Node)
	if err != nil {
		k.faultf("file %d (%q): %v", e.Node, e.Name, err)
		return k.told(err)
	}
	have := kept{newest: e.kept.newest}
	for i := range list {
		v := &list[i]
		have = kept{have.count + 1, max(have.newest, v.number), have.bytes + v.size}
		if v.where == nowhere {
			k.faultf("version %d of file %d (%q): no content", v.number, e.Node, e.Name)
			continue
		}
		k.uses[refOf{v.content, e.Node, v.number}] = v.size
	}
	k.found.Versions += len(list)
	k.found.Bytes += have.bytes
	if have != e.kept {
		k.faultf("file %d (%q): its versions are %+v, it says %+v", e.Node, e.Name, have, e.kept)
	}
	return nil
}

func (k *checker) versionTable() error {
	return scanPrefix(k.tx.r, []byte{tableVersion}, func(key, _ []byte) bool {
		n := policy.Node(binary.BigEndian.Uint64(key[1:]))
		if dir, reached := k.nodes[n]; !reached || dir {
			k.faultf("version %d of %d, which is no file", binary.BigEndian.Uint64(key[9:]), n)
		}
		return true
	})
}

// uploadTables: the parts of each upload under way follow each other up to its
// offset, and every part is of one.
func (k *checker) uploadTables() error {
	end := map[string]int64{} // of the parts of an upload
	parts := 0
	err := eachResumable(k.tx.r, func(id string, rec *resumable) {
		g := housekeeping(k.tx, rec.Node)
		err := scanPrefix(k.tx.r, partPrefix(g, id), func(key, v []byte) bool {
			b, err := decodePart(v)
			if at := int64(binary.BigEndian.Uint64(key[1+len(id):])); err != nil || at != end[id] && !rec.Complete && !rec.Ended {
				k.faultf("upload %s: a part at %d instead of %d (%v)", id, at, end[id], err)
			}
			end[id] += b.size
			k.uses[refOf{b.content, rec.Node, 0}] = b.size
			parts++
			return true
		})
		if err != nil || end[id] != rec.Offset && !rec.Complete && !rec.Ended {
			k.faultf("upload %s: its parts end at %d, it is at %d (%v)", id, end[id], rec.Offset, err)
		}
	})
	if err != nil {
		k.faultf("uploads under way: %v", err)
		return nil
	}
	if n, err := count(k.tx.r, tablePart); err != nil || n != parts {
		k.faultf("%d parts of uploads, %d of them of uploads that are there (%v)", n, parts, err)
	}
	return nil
}

// node holds the way up against the way down.
func (k *checker) node(e *Entry, want nodeRec) {
	if k.reached(e.Node) {
		k.faultf("node %d (%q) stands in two places", e.Node, e.Name)
	}
	k.nodes[e.Node] = e.Dir
	if e.HasProps {
		k.props[e.Node] = true
	}
	if rec, err := k.tx.nodeRec(e.Node); err != nil || rec != want {
		k.faultf("node %d (%q): its record is %+v instead of %+v (%v)", e.Node, e.Name, rec, want, err)
	}
}

// sequence: the change log has every number up to the newest, from the first that
// it has not forgotten.
func (k *checker) sequence(sp *policy.Space) error {
	v, err := k.tx.r.Get(seqKey(sp.ID))
	if err != nil {
		return err
	}
	newest, err := readUint64(v)
	if err != nil {
		k.faultf("space %q: sequence: %v", sp.Name, err)
	}
	forgotten, err := k.tx.floor(sp.ID)
	if err != nil {
		k.faultf("space %q: what its change log forgot: %v", sp.Name, err)
	}
	next := forgotten + 1
	err = scanPrefix(k.tx.r, key1(tableChange, uint64(sp.ID)), func(key, v []byte) bool {
		if seq := binary.BigEndian.Uint64(key[9:]); seq != next {
			k.faultf("space %q: change %d is followed by %d", sp.Name, next-1, seq)
			next = seq
		}
		if _, err := decodeChange(v); err != nil {
			k.faultf("space %q: change %d: %v", sp.Name, next, err)
		}
		next++
		return true
	})
	if next != newest+1 {
		k.faultf("space %q: the change log ends at %d, the sequence at %d", sp.Name, next-1, newest)
	}
	return err
}

// binTable: what collections know of their trash is there. The other way round is
// held by readTrash.
func (k *checker) binTable() error {
	bins, err := count(k.tx.r, tableBin)
	if bins != k.found.Trashed {
		k.faultf("%d deletions in the trash, collections know of %d", k.found.Trashed, bins)
	}
	return err
}

func (k *checker) nodeTable() error {
	return scanPrefix(k.tx.r, []byte{tableNode}, func(key, _ []byte) bool {
		if n := policy.Node(binary.BigEndian.Uint64(key[1:])); !k.reached(n) {
			k.faultf("node %d stands nowhere", n)
		}
		return true
	})
}

func (k *checker) sumTable() error {
	return scanPrefix(k.tx.r, []byte{tableSum}, func(key, _ []byte) bool {
		if n := policy.Node(binary.BigEndian.Uint64(key[1:])); !k.nodes[n] {
			k.faultf("sum of %d, which is no collection", n)
		}
		return true
	})
}

func (k *checker) refTable() error {
	have := map[string]bool{} // by key, whether its reference was found
	for u := range k.uses {
		have[string(u.key())] = false
	}
	found := func(key []byte) {
		if _, ok := have[string(key)]; !ok {
			k.faultf("reference %x: node %d does not have this content", key[1:9], binary.BigEndian.Uint64(key[33:]))
		}
		have[string(key)] = true
	}
	err := scanPrefix(k.tx.r, []byte{tableRef}, func(key, _ []byte) bool { found(key); return true })
	if err != nil {
		return err
	}
	k.copied = map[string]bool{}
	err = scanPrefix(k.tx.r, []byte{tableCopied}, func(key, v []byte) bool {
		if len(v) != len(refOf{}.hash) {
			k.faultf("reference of copy %d: %d bytes are no content", readKey(key), len(v))
			return true
		}
		k.copied[string(v)] = true
		found(binary.BigEndian.AppendUint64(append([]byte{tableRef}, v...), readKey(key)))
		return true
	})
	lost := 0
	for _, ok := range have {
		if !ok {
			lost++
		}
	}
	if lost > 0 {
		k.faultf("%d contents in use have no references", lost)
	}
	return err
}

// contentTables: every content in use is there with its size, and every content
// that is there is used or waits for the collector.
func (k *checker) contentTables() error {
	type use struct {
		content
		size int64
	}
	seen := map[use]bool{}
	for u, size := range k.uses {
		c := use{u.content, size}
		if seen[c] {
			continue
		}
		seen[c] = true
		if u.where == inline {
			if v, err := k.tx.r.Get(hashKey(tableInline, u.hash)); err != nil || int64(len(v)) != size {
				k.faultf("content %x of node %d: %d bytes instead of %d (%v)", u.hash[:8], u.node, len(v), size, err)
			}
			continue
		}
		rec, ok, err := readBlob(k.tx.r, u.hash)
		if err != nil || !ok || rec.dead || rec.gen != u.gen || rec.size != size {
			k.faultf("blob %x of node %d: record %+v (%v)", u.hash[:8], u.node, rec, err)
			continue
		}
		if err := k.blobFile(blob.Ref{Hash: u.hash, Gen: u.gen, Size: size}); err != nil {
			k.faultf("blob of node %d: %v", u.node, err)
		}
	}
	for _, table := range []byte{tableInline, tableBlob} {
		err := scanPrefix(k.tx.r, []byte{table}, func(key, v []byte) bool { k.unused([32]byte(key[1:]), table, v); return true })
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) blobFile(ref blob.Ref) error {
	f, err := k.st.blobs.Open(ref)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Size() != ref.Size {
		err = fmt.Errorf("%x has %d bytes instead of %d", ref.Hash[:8], info.Size(), ref.Size)
	}
	return err
}

func (k *checker) unused(hash [32]byte, table byte, v []byte) {
	if table == tableBlob {
		rec, err := decodeBlob(v)
		if err != nil {
			k.faultf("blob %x: %v", hash[:8], err)
		}
		if err != nil || rec.dead {
			return
		}
	} else if sha256.Sum256(v) != hash {
		k.faultf("content %x is not what its name says", hash[:8])
	}
	used, err := inUse(k.tx.r, hash)
	if used || err != nil {
		return
	}
	// The collector lets go of a content that only copies use.
	if k.copied[string(hash[:])] {
		return
	}
	if orphan, err := k.tx.r.Get(hashKey(tableOrphan, hash)); err != nil || orphan == nil {
		k.faultf("content %x: nobody uses it and the collector does not know (%v)", hash[:8], err)
	}
}

func (k *checker) orphanTable() error {
	return scanPrefix(k.tx.r, []byte{tableOrphan}, func(key, v []byte) bool {
		if _, n := binary.Varint(v); n <= 0 {
			k.faultf("content %x: unreadable since when nobody uses it", key[1:9])
		}
		return true
	})
}

func (k *checker) propTable() error {
	has := map[policy.Node]bool{}
	err := scanPrefix(k.tx.r, []byte{tableProp}, func(key, _ []byte) bool {
		n := policy.Node(binary.BigEndian.Uint64(key[1:9]))
		has[n] = true
		if !k.props[n] {
			k.faultf("property %q of node %d, which says it has none", strings.ReplaceAll(string(key[9:]), "\x00", " "), n)
		}
		return true
	})
	for n := range k.props {
		if !has[n] {
			k.faultf("node %d says it has properties and has none", n)
		}
	}
	return err
}

func (k *checker) lockTable() error {
	err := scanPrefix(k.tx.r, []byte{tableLock}, func(key, v []byte) bool {
		l, err := decodeLock(key, v)
		if err != nil || !k.reached(l.Node) {
			k.faultf("lock %s on node %d, which is gone (%v)", l.Token, l.Node, err)
		}
		k.found.Locks++
		return true
	})
	return err
}

func (k *checker) asideTable() error {
	return scanPrefix(k.tx.r, []byte{tableAside}, func(key, v []byte) bool {
		if a, err := decodeAside(v); err != nil || a.node == 0 {
			k.faultf("set aside from %q in %d: %+v (%v)", key[9:], binary.BigEndian.Uint64(key[1:9]), a, err)
		}
		return true
	})
}

func (k *checker) loginTable() error {
	return scanPrefix(k.tx.r, []byte{tableLogin}, func(key, _ []byte) bool {
		id := policy.ID(binary.BigEndian.Uint64(key[1:]))
		if _, err := readLogin(k.tx.r, id); err != nil {
			k.fault(err.Error())
		}
		if k.tx.state.User(id) == nil {
			k.faultf("login record of %d, who is no user", id)
		}
		return true
	})
}

func (k *checker) lockoutTable() error {
	return scanPrefix(k.tx.r, []byte{tableLockout}, func(key, v []byte) bool {
		var l Lockout
		if err := json.Unmarshal(v, &l); err != nil {
			k.faultf("lockout record of %q: %v", key[1:], err)
		}
		return true
	})
}

// trail: every audit line follows from the one before, up to the policy in force.
func (k *checker) trail() error {
	head, err := readHead(k.tx.r)
	if err != nil {
		return err
	}
	c := chain{r: k.tx.r}
	for c.seq < head.seq {
		if _, err := c.next(); err != nil {
			k.fault(err.Error())
		}
	}
	if err := c.end(head, k.tx.state.Epoch); err != nil {
		k.fault(err.Error())
	}
	return nil
}

// ids: none that is in use may be given again.
func (k *checker) ids() error {
	var next allocator
	if err := next.load(k.tx.r); err != nil {
		return err
	}
	var newest uint64
	for n := range k.nodes {
		newest = max(newest, uint64(n))
	}
	for _, u := range k.tx.state.Users() {
		newest = max(newest, uint64(u.ID))
	}
	for _, g := range k.tx.state.Groups() {
		newest = max(newest, uint64(g.ID))
	}
	for _, p := range k.tx.state.Profiles() {
		newest = max(newest, uint64(p.ID))
	}
	for _, sp := range k.tx.state.Spaces() {
		newest = max(newest, uint64(sp.ID))
	}
	for _, sh := range k.tx.state.Shares() {
		newest = max(newest, uint64(sh.ID))
	}
	if newest >= next.next {
		k.faultf("ids up to %d are in use, and are given again from %d on", newest, next.next)
	}
	return nil
}

// memory: what is counted in memory agrees with what is kept.
func (k *checker) memory() error {
	locks, err := count(k.tx.r, tableLock)
	if n := k.st.lockCount.Load(); n != int64(locks) {
		k.faultf("%d locks are kept, %d are counted", locks, n)
	}
	l := &k.st.ledger
	l.Lock()
	defer l.Unlock()
	for n, a := range l.accounts {
		s, err := k.tx.sumOf(n)
		if err != nil || s != a.sum {
			k.faultf("quota of node %d: charged %+v, kept %+v (%v)", n, a.sum, s, err)
		}
		if a.reserved < 0 {
			k.faultf("quota of node %d: %d bytes reserved", n, a.reserved)
		}
	}
	return err
}

// Reserved is what uploads under way hold in all limits together.
func (st *Store) Reserved() int64 {
	st.ledger.Lock()
	defer st.ledger.Unlock()
	var total int64
	for _, a := range st.ledger.accounts {
		total += a.reserved
	}
	return total
}
