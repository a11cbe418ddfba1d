package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store/bolt"
	"davit/store/engine"
)

// damage is one change of the database behind the store's back.
type damage struct {
	name string
	// key picks a record by the beginning of its key, the first of several.
	key []byte
	// edit makes another value of it, nil to take it away. Without edit the
	// record is added, and must not be there yet.
	edit func([]byte) []byte
	add  []byte
	want string // in a fault of Check, or in the error of Open
}

func gone([]byte) []byte { return nil }

func cut(v []byte) []byte { return v[:len(v)-1] }

func to(v []byte) func([]byte) []byte { return func([]byte) []byte { return v } }

// furnished is a directory with something in every table but the one for copies
// under way, and what the damages name in it.
type furnished struct {
	backup
	mia                     policy.User
	group                   policy.Group
	team                    policy.Space
	big, sub, small, thrown Info
	past                    Info // a file with a version
	twin                    Info // a copy
	link                    policy.Share
}

func furnish(t *testing.T) (f furnished) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	f.mia = *of.st.Policy().User(of.user("mia"))
	var err error
	if f.group, err = of.st.Operator().AddGroup(ctx, policy.Group{Name: "staff"}); err != nil {
		t.Fatal(err)
	}
	of.change(policy.Join{Group: f.group.ID, Member: f.mia.ID})
	if err := errors.Join(of.st.SetPassword(ctx, f.mia.ID, "x"), of.st.SetLockout(ctx, "mia", Lockout{Failures: 1})); err != nil {
		t.Fatal(err)
	}
	f.team = *of.st.Policy().SpaceNamed("Team")
	of.mkdir(s, "/Team/sub")
	of.quota("/Team/sub", 1_000_000)
	f.sub, err = s.Stat(split("/Team/sub"), Want{})
	f.big, f.small = of.put(s, "/Team/sub/big", bigFile), of.put(s, "/Team/small", text(1, 100))
	f.thrown = of.put(s, "/Team/thrown", text(2, 200))
	of.put(s, "/Team/sub/too", nil)
	of.put(s, "/Team/past", text(7, 70))
	f.past = of.put(s, "/Team/past", text(8, 80))
	f.link, err = s.Link(ctx, split("~mia"), policy.Share{Rights: policy.See}, NewLink{Token: [32]byte{7}, Password: "x"})
	must(t, err)
	_, _, lockErr := s.Lock(ctx, split("/Team/small"), LockRequest{}, Terms{})
	err = errors.Join(err, lockErr,
		s.Remove(ctx, split("/Team/thrown"), Terms{}),
		s.Remove(ctx, split("/Team/sub/too"), Terms{}),
		s.SetProps(ctx, split("/Team/sub"), []Prop{{"urn:test", "color", []byte("blue")}}, time.Time{}, Terms{}))
	if err != nil {
		t.Fatal(err)
	}
	of.copy(s, "/Team/small", "~mia/twin")
	f.twin = of.stat(s, "~mia/twin")
	of.put(s, "/Team/waits", text(3, 300))
	of.unuse(s, "/Team/waits") // waits for the collector
	of.stop()
	f.backup = save(t, of.dir)
	return f
}

// damages are at least one for each table.
func (f *furnished) damages() []damage {
	big, small := sha256.Sum256(bigFile), sha256.Sum256(text(1, 100))
	absent := policy.Node(1 << 40)
	entry := func(change func(*Entry)) func([]byte) []byte {
		return func(v []byte) []byte {
			var e Entry
			if err := decodeEntry(&e, v); err != nil {
				return nil
			}
			change(&e)
			return appendEntry(nil, &e)
		}
	}
	return []damage{
		{"no format", keyFormat, gone, nil, "no data directory"},
		{"short format", keyFormat, cut, nil, "no format"},
		{"ids given again", keyIDs, to(beUint64(17)), nil, "ids up to"},
		{"short epoch", keyEpoch, cut, nil, "7 bytes instead of 8"},
		{"user no JSON", key1(tableUser, uint64(f.mia.ID)), cut, nil, "record U"},
		{"user gone", key1(tableUser, uint64(f.mia.ID)), gone, nil, `members of group "staff"`},
		{"group no JSON", key1(tableGroup, uint64(f.group.ID)), cut, nil, "record G"},
		{"profile gone", []byte{tableProfile}, gone, nil, "has no profile"},
		{"space gone", key1(tableSpace, uint64(f.team.ID)), gone, nil, "not a place in a space"},
		{"mark no JSON", []byte{tableMark}, cut, nil, "record A"},
		{"mark of nothing", key1(tableMark, uint64(absent)), nil, []byte(`{"node":1099511627776,"cut":true}`), "hangs in the air"},
		{"login no JSON", []byte{tableLogin}, cut, nil, "login record of"},
		{"login of nobody", key1(tableLogin, 1<<40), nil, []byte(`{}`), "login record of 1099511627776"},
		{"lockout no JSON", []byte{tableLockout}, cut, nil, `lockout record of "mia"`},
		{"sequence behind", seqKey(f.team.ID), to(beUint64(2)), nil, "the change log ends at"},
		{"sequence gone", seqKey(f.team.ID), gone, nil, "sequence: 0 bytes instead of 8"},
		{"change gone", changeKey(f.team.ID, 2), gone, nil, "change 1 is followed by 3"},
		{"change short", changeKey(f.team.ID, 2), to([]byte{1}), nil, "change 2: change record"},
		{"entry gone", entryKey(f.team.Root, "small"), gone, nil, "stands nowhere"},
		{"entry short", entryKey(f.team.Root, "small"), cut, nil, `"small" in`},
		{"entry of another size", entryKey(f.team.Root, "small"), entry(func(e *Entry) { e.Size++ }), nil, "100 bytes instead of 101"},
		{"entry of another node", entryKey(f.team.Root, "small"), entry(func(e *Entry) { e.Node = f.big.Node }), nil, "stands in two places"},
		{"entry of another content", entryKey(f.team.Root, "small"), entry(func(e *Entry) { e.content.hash = big }), nil, "does not have this content"},
		{"entry without content", entryKey(f.team.Root, "small"), entry(func(e *Entry) { e.content.where = nowhere }), nil, "100 bytes without content"},
		{"entry of another generation", entryKey(f.sub.Node, "big"), entry(func(e *Entry) { e.content.gen = 7 }), nil, "record {gen:0"},
		{"entry without properties", entryKey(f.team.Root, "sub"), entry(func(e *Entry) { e.HasProps = false }), nil, "which says it has none"},
		{"root gone", entryKey(0, rootName(f.team.Root)), gone, nil, "no root"},
		{"way up gone", nodeKey(f.small.Node), gone, nil, "its record is"},
		{"way up wrong", nodeKey(f.small.Node), to(appendNode(nil, nodeRec{parent: f.sub.Node, name: "small"})), nil, "its record is"},
		{"way up of nothing", nodeKey(absent), nil, appendNode(nil, nodeRec{parent: f.team.Root, name: "x"}), "node 1099511627776 stands nowhere"},
		{"sum gone", sumKey(f.sub.Node), gone, nil, "its sum is"},
		{"sum wrong", sumKey(f.sub.Node), to(appendSum(nil, sum{live: 1, files: 1})), nil, "its sum is"},
		{"sum of a file", sumKey(f.small.Node), nil, appendSum(nil, sum{}), "which is no collection"},
		{"trash gone", []byte{tableTrash}, gone, nil, "stands nowhere"},
		{"trash short", []byte{tableTrash}, cut, nil, "entry record"},
		{"trash node gone", nodeKey(f.thrown.Node), gone, nil, "does not know of it"},
		{"bin gone", []byte{tableBin}, gone, nil, "does not know of it"},
		{"bin of nothing", binKey(f.sub.Node, f.team.ID, 1), nil, nil, "2 deletions in the trash, collections know of 3"},
		{"version gone", []byte{tableVersion}, gone, nil, "its versions are"},
		{"version short", []byte{tableVersion}, to([]byte{byte(inline)}), nil, "version record"},
		{"version without content", []byte{tableVersion}, to(appendVersion(nil, &version{size: 70})), nil, "version 1 of file"},
		{"version of nothing", versionKey(f.sub.Node, 1), nil, appendVersion(nil, &version{}), "which is no file"},
		{"version of another number", entryKey(f.team.Root, "past"), entry(func(e *Entry) { e.kept.newest = 0 }), nil, "its versions are"},
		{"version's content gone", hashKey(tableInline, sha256.Sum256(text(7, 70))), gone, nil, "0 bytes instead of 70"},
		{"version's reference gone", versionRefKey(sha256.Sum256(text(7, 70)), f.past.Node, 1), gone, nil, "references"},
		{"version's reference of another", versionRefKey(sha256.Sum256(text(7, 70)), f.past.Node, 2), nil, nil, "does not have this content"},
		{"property gone", []byte{tableProp}, gone, nil, "says it has properties and has none"},
		{"property of another", propKey(f.small.Node, "urn:test", "x"), nil, []byte("y"), "which says it has none"},
		{"lock short", []byte{tableLock}, to([]byte{0}), nil, "lock record"},
		{"lock on nothing", lockKey(absent, "urn:uuid:x"), nil, appendLock(nil, &Lock{User: f.mia.ID}), "which is gone"},
		{"link short", linkKey(f.link.ID), to([]byte{1}), nil, "link record"},
		{"link gone", linkKey(f.link.ID), gone, nil, "1 tokens of links, 0 links"},
		{"link of nothing", linkKey(1 << 40), nil, appendLink(nil, &link{}), "which is none"},
		{"link without its password", linkKey(f.link.ID), to(appendLink(nil, &link{NewLink: NewLink{Token: [32]byte{7}}})), nil, "disagree about a password"},
		{"token gone", tokenKey([32]byte{7}), gone, nil, "its token leads elsewhere"},
		{"token of another", tokenKey([32]byte{7}), to(beUint64(uint64(f.mia.ID))), nil, "its token leads elsewhere"},
		{"token of nothing", tokenKey([32]byte{8}), nil, beUint64(1), "2 tokens of links, 1 links"},
		{"content gone", hashKey(tableInline, small), gone, nil, "0 bytes instead of 100"},
		{"content short", hashKey(tableInline, small), cut, nil, "99 bytes instead of 100"},
		{"content changed", hashKey(tableInline, small), func(v []byte) []byte { return append([]byte{v[0] ^ 1}, v[1:]...) }, nil, "is not what its name says"},
		{"content of nobody", hashKey(tableInline, [32]byte{1}), nil, []byte("x"), "nobody uses it"},
		{"blob record gone", hashKey(tableBlob, big), gone, nil, "blob"},
		{"blob record dead", hashKey(tableBlob, big), to(appendBlob(nil, blobRec{size: 50_000, dead: true})), nil, "dead:true"},
		{"blob record short", hashKey(tableBlob, big), cut, nil, "blob record"},
		{"blob of nobody", hashKey(tableBlob, [32]byte{1}), nil, appendBlob(nil, blobRec{size: 1}), "nobody uses it"},
		{"reference gone", refKey(small, f.small.Node), gone, nil, "references"},
		{"reference of another", refKey(small, f.big.Node), nil, nil, "does not have this content"},
		{"copy's reference gone", copiedKey(f.twin.Node), gone, nil, "1 contents in use have no references"},
		{"copy's reference short", copiedKey(f.twin.Node), cut, nil, "31 bytes are no content"},
		{"copy's reference of another", copiedKey(f.big.Node), nil, small[:], "does not have this content"},
		{"orphan gone", []byte{tableOrphan}, gone, nil, "the collector does not know"},
		{"orphan short", []byte{tableOrphan}, to([]byte{0x80}), nil, "since when nobody uses it"},
	}
}

// TestCheckSees damages a copy of one directory in each way, one at a time: the
// check, or the opening, has to name it.
func TestCheckSees(t *testing.T) {
	f := furnish(t)
	for _, d := range f.damages() {
		t.Run(d.name, func(t *testing.T) {
			dir := f.restore(t)
			d.plant(t, dir)
			if faults := strings.Join(faultsOf(t, dir), "\n"); !strings.Contains(faults, d.want) {
				t.Errorf("nothing says %q:\n%s", d.want, faults)
			}
		})
	}
}

// plant changes the database of a store that is not open.
func (d *damage) plant(t *testing.T, dir string) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "meta.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
		var key, value []byte
		err := scanPrefix(w, d.key, func(k, v []byte) bool {
			key, value = bytes.Clone(k), bytes.Clone(v)
			return false
		})
		switch {
		case err != nil:
			return err
		case (key == nil) != (d.edit == nil):
			return errors.New("the record is there, or not, against what the damage wants")
		case d.edit == nil:
			return w.Put(d.key, d.add)
		}
		if value = d.edit(value); value == nil {
			return w.Delete(key)
		}
		return w.Put(key, value)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// faultsOf opens and checks a directory, and tells all that was said.
func faultsOf(t *testing.T, dir string) []string {
	t.Helper()
	st, err := Open(dir, Options{})
	if err != nil {
		return []string{err.Error()}
	}
	defer st.Close()
	found, err := st.Check(ctx)
	if err != nil {
		t.Errorf("the check gave up: %v", err)
	}
	return found.Faults
}

// TestCheckSeesFiles damages the files beside the database.
func TestCheckSeesFiles(t *testing.T) {
	f := furnish(t)
	for name, damage := range map[string]func(file string) error{
		"is missing":    os.Remove,
		"has 100 bytes": func(file string) error { return errors.Join(os.Chmod(file, 0o600), os.Truncate(file, 100)) },
	} {
		dir := f.restore(t)
		if err := damage(filepath.Join(dir, blobPath(bigFile, 0))); err != nil {
			t.Fatal(err)
		}
		if faults := strings.Join(faultsOf(t, dir), "\n"); !strings.Contains(faults, name) {
			t.Errorf("nothing says %q:\n%s", name, faults)
		}
	}
}

// TestCheckGoesOn flips a byte of a record in each table that a check walks: it
// names the record and still looks at the rest.
func TestCheckGoesOn(t *testing.T) {
	f := furnish(t)
	elsewhere := damage{"", sumKey(f.sub.Node), to(appendSum(nil, sum{live: 1, files: 1})), nil, "its sum is"}
	for _, row := range []struct {
		name  string
		value []byte // found once in the file
	}{
		{"an entry", appendEntry(nil, &f.small.Entry)[1:]},
		{"a small content", text(1, 100)},
		{"a property", []byte("blue")},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := f.restore(t)
			elsewhere.plant(t, dir)
			flip(t, filepath.Join(dir, "meta.db"), row.value)
			faults := strings.Join(faultsOf(t, dir), "\n")
			for _, want := range []string{engine.ErrDamaged.Error(), elsewhere.want} {
				if !strings.Contains(faults, want) {
					t.Errorf("nothing says %q:\n%s", want, faults)
				}
			}
		})
	}
}

// flip changes a bit of every place where the bytes stand; pages that are no
// longer used hold them too.
func flip(t *testing.T, file string, part []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for at := 0; ; n++ {
		i := bytes.Index(content[at:], part)
		if i < 0 {
			break
		}
		content[at+i] ^= 1
		at += i + len(part)
	}
	if n == 0 {
		t.Fatal("the bytes to flip are not in the file")
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCheckBesideACopy checks between the slices of a copy, whose nodes stand
// nowhere yet.
func TestCheckBesideACopy(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir", "/Team/dir/sub")
	of.put(s, "/Team/dir/sub/big", bigFile)
	c := &copying{s: s, from: split("/Team/dir"), to: split("/Team/copy"), hold: of.st.ledger.hold(nil)}
	for _, transaction := range []func(*Tx) error{c.begin, c.slice} {
		if err := of.st.update(ctx, engine.Foreground, transaction); err != nil {
			t.Fatal(err)
		}
		if found, err := of.st.Check(ctx); err != nil || len(found.Faults) > 0 {
			t.Errorf("faults in a copy under way: %q (%v)", found.Faults, err)
		}
	}
	if err := of.st.update(ctx, engine.Foreground, c.finish); err != nil {
		t.Fatal(err)
	}
}

func TestCheckStops(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := of.st.Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that nobody waits for: %v", err)
	}
}
