package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"davit/policy"
)

// TestDescribe tells changes one after another, each with what it was before.
func TestDescribe(t *testing.T) {
	w := newWorld(t)
	standard, light := w.name("profile:standard"), w.name("profile:light")
	olivia, mia, staff, auditor := w.name("user:olivia"), w.name("user:mia"), w.name("group:staff"), w.name("role:auditor")
	id := w.name("space:room")
	room, plan, deep := w.place("/room"), w.place("/room/plan"), w.place("/room/old/deep")
	moved := policy.Place{Space: id, Path: append(slices.Clone(plan.Path), deep.Path[2])}
	user := func(change func(*policy.User)) policy.Change {
		u := policy.User{ID: mia, Name: "mia", Type: policy.Member, Profile: standard}
		change(&u)
		return policy.PutUser{User: u}
	}
	space := policy.Space{ID: id, Name: "Room", Kind: policy.Room, State: policy.Active, Owner: olivia, Root: room.Path[0], Quota: policy.NoLimit,
		Levels: []policy.Entry{{Principal: olivia, Allow: rights(t, "level:manager"), Level: "manager"}}}
	archived := space
	archived.State, archived.Quota = policy.Archived, 1_000_000
	for _, row := range []struct {
		change policy.Change
		want   string
	}{
		{policy.PutProfile{Profile: policy.Profile{ID: standard, Name: "standard", Quota: policy.NoLimit}}, "profile standard: added, quota none"},
		{policy.PutProfile{Profile: policy.Profile{ID: light, Name: "light", Quota: 5000, Functions: new(policy.FilesPersonal)}},
			"profile light: added, quota 5KB, functions files.personal"},
		{policy.PutProfile{Profile: policy.Profile{ID: light, Name: "light", Quota: 6000}}, "profile light: quota 5KB -> 6KB, functions files.personal -> default"},
		{policy.PutUser{User: policy.User{ID: olivia, Name: "olivia", Type: policy.Owner, Profile: standard}}, "user olivia: added, type owner, profile standard"},
		{user(func(*policy.User) {}), "user mia: added, type member, profile standard"},
		{user(func(u *policy.User) { u.Profile, u.Quota = light, new(policy.Limit(7000)) }), "user mia: profile standard -> light, quota default -> 7KB"},
		{user(func(u *policy.User) { u.Email, u.Inactive = "m@example.org", true }),
			"user mia: inactive false -> true, profile light -> standard, quota 7KB -> default, email none -> m@example.org"},
		{user(func(u *policy.User) { u.Name = "maria" }), "user mia: name mia -> maria, inactive true -> false, email m@example.org -> none"},
		{user(func(u *policy.User) { u.Name = "maria" }), "user maria: as it was"},
		{policy.PutGroup{Group: policy.Group{ID: staff, Name: "staff"}}, "group staff: added"},
		{policy.PutGroup{Group: policy.Group{ID: auditor, Name: "auditor", Role: true}}, "role auditor: added"},
		{policy.Join{Group: staff, Member: mia}, "group:staff: + user:maria"},
		{policy.Join{Group: auditor, Member: staff}, "role:auditor: + group:staff"},
		{policy.Leave{Group: auditor, Member: staff}, "role:auditor: - group:staff"},
		{policy.PutSpace{Space: space}, "space Room: added, kind room, state active, owner user:olivia, quota none, user:olivia manager"},
		{policy.PutSpace{Space: archived}, "space Room: state active -> archived, quota none -> 1MB"},
		{policy.SetLevel{Space: space.ID, Entry: policy.Entry{Principal: mia, Allow: rights(t, "level:viewer"), Level: "viewer"}}, "level Room user:maria: none -> viewer"},
		{policy.SetLevel{Space: space.ID, Entry: policy.Entry{Principal: mia, Allow: policy.See}, Pin: new(true)}, "level Room user:maria: viewer -> +see, pinned"},
		{policy.SetLevel{Space: space.ID, Entry: policy.Entry{Principal: mia}, Pin: new(false)}, "level Room user:maria: +see -> none, no longer pinned"},
		{policy.SetEntry{At: plan, Entry: policy.Entry{Principal: staff, Allow: policy.Read | policy.Write}}, "acl /room/plan group:staff: none -> +read,write"},
		{policy.SetEntry{At: plan, Entry: policy.Entry{Principal: staff, Revoke: policy.Read, Deny: policy.Purge}}, "acl /room/plan group:staff: +read,write -> -read !purge"},
		{policy.SetEntry{At: plan, Entry: policy.Entry{Principal: staff, Allow: policy.Read, Class: policy.Mobile, Until: 86400}},
			"acl /room/plan group:staff: none -> +read (class mobile, until 1970-01-02T00:00:00Z)"},
		{policy.ClearEntries{Node: plan.Path[1], Principal: staff}, "acl /room/plan: taken out: group:staff -read !purge; group:staff +read (class mobile, until 1970-01-02T00:00:00Z)"},
		{policy.ClearEntries{Node: plan.Path[1]}, "acl /room/plan: nothing to take out"},
		{policy.SetCut{At: deep, On: true}, "acl /room/old/deep: inherits -> cut"},
		{policy.SetQuota{At: plan, Limit: new(policy.Limit(5e9))}, "quota /room/plan: none -> 5GB"},
		{policy.SetQuota{At: plan}, "quota /room/plan: 5GB -> none"},
		{policy.MoveNode{To: moved}, "/room/old/deep: moved here with what it carries, from /room/old"},
		{policy.ParkNode{Node: deep.Path[2]}, "/room/old/deep: into the trash with what it carries"},
		{policy.DropNodes{Nodes: []policy.Node{deep.Path[2], 4711}}, "erased: 2 files and folders, of which 1 carried something"},
		{user(func(u *policy.User) { u.Name, u.Inactive, u.Profile = "maria", true, light }), "user maria: inactive false -> true, profile standard -> light"},
		{policy.DropProfile{ID: light, Successor: standard}, "profile light: deleted, its users get standard"},
		{policy.DropUser{ID: mia}, "user:maria: deleted"},
		{policy.DropGroup{ID: staff}, "group:staff: deleted"},
		{policy.DropGroup{ID: auditor}, "role:auditor: deleted"},
		{policy.DropSpace{ID: space.ID}, "space Room: deleted"},
	} {
		before := w.state
		w.apply(row.change)
		if got := policy.Describe(before, w.state, row.change, w.nameOf); got != row.want {
			t.Errorf("%#v\nis told as %q\nwant       %q", row.change, got, row.want)
		}
	}
}

// nameOf is the path of a place, of which only the last node counts.
func (w *world) nameOf(at policy.Place) string {
	n := at.Path[len(at.Path)-1]
	for path, node := range w.nodes {
		if node == n {
			return path
		}
	}
	return fmt.Sprintf("node %d", n)
}
