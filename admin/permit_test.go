package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store"
)

// permitRow is an operation asked for by a member: about what is somebody else's,
// and about what is the asker's own.
type permitRow struct {
	others string
	own    string // empty when nothing of the kind is the asker's
	// closed: owners and admins are refused the first, too.
	closed bool
}

// permits has a row for every operation: who adds one says here what others than
// the operator get of it.
var permits = map[string]permitRow{
	"acl.clear": {others: `{"path":"/Team/dir"}`, own: `{"path":"~mia/dir"}`},
	"acl.cut":   {others: `{"path":"/Team/dir"}`, own: `{"path":"~mia/dir"}`},
	"acl.set":   {others: `{"path":"/Team/dir","principal":"mia","allow":"read"}`, own: `{"path":"~mia","principal":"max","allow":"read"}`},
	"acl.show":  {others: `{"path":"/Team/dir"}`, own: `{"path":"~mia/dir"}`},
	"acl.uncut": {others: `{"path":"/Team/dir"}`, own: `{"path":"~mia/dir"}`},

	"audit.list":       {others: `{}`},
	"audit.verify":     {others: `{}`},
	"calendar.add":     {others: `{"path":"~max/x"}`, own: `{"path":"~mia/x"}`},
	"calendar.list":    {others: `{"name":"max"}`, own: `{"name":"mia"}`},
	"calendar.reindex": {others: `{}`, closed: true},
	"calendar.remove":  {others: `{"path":"~max/calendar"}`, own: `{"path":"~mia/tasks"}`},
	"calendar.share":   {others: `{"path":"~max/calendar","to":"mia"}`, own: `{"path":"~mia/calendar","to":"max"}`},
	"calendar.unshare": {others: `{"path":"~max/calendar","to":"mia"}`, own: `{"path":"~mia/calendar","to":"max"}`},
	"can":              {others: `{"user":"max","ask":"read","path":"/Team"}`, own: `{"user":"mia","ask":"read","path":"~mia"}`},
	"check":            {others: `{}`, closed: true},
	"device.add":       {others: `{"user":"max","name":"x","class":"dav"}`, own: `{"user":"mia","name":"x","class":"dav"}`, closed: true},
	"device.list":      {others: `{"name":"max"}`, own: `{"name":"mia"}`},
	"device.remove":    {others: `{"user":"max","name":"phone"}`, own: `{"user":"mia","name":"phone"}`},
	"explain":          {others: `{"user":"max","ask":"GET","path":"/Team/dir"}`, own: `{"user":"mia","ask":"GET","path":"~mia/dir"}`},
	"explain.decision": {others: `{"id":"2222222222"}`},
	"foretell":         {others: `{"op":"group.add","args":{"name":"crew"}}`},
	"gc":               {others: `{"grace_seconds":86400}`, closed: true},

	"group.add":    {others: `{"name":"crew"}`},
	"group.join":   {others: `{"group":"staff","members":["gus"]}`, own: `{"group":"choir","members":["max"]}`},
	"group.leave":  {others: `{"group":"staff","members":["max"]}`, own: `{"group":"choir","members":["max"]}`},
	"group.list":   {others: `{}`},
	"group.remove": {others: `{"name":"staff"}`},
	"group.set":    {others: `{"name":"choir","managers":["mia"]}`},
	"group.show":   {others: `{"name":"staff"}`, own: `{"name":"choir"}`},

	"level.list":      {others: `{"name":"Team"}`, own: `{"name":"~mia"}`},
	"level.set":       {others: `{"space":"Team","principal":"mia","level":"viewer"}`, own: `{"space":"~mia","principal":"max","level":"viewer"}`},
	"mail.drop":       {others: `{"number":1}`, closed: true},
	"mail.list":       {others: `{}`, closed: true},
	"mail.retry":      {others: `{"number":1}`, closed: true},
	"matrix":          {others: `{}`},
	"matrix.apply":    {others: `{"csv":"user,Team\ngus,viewer\n"}`},
	"policy.apply":    {others: groupByText},
	"policy.export":   {others: `{}`},
	"policy.plan":     {others: groupByText},
	"policy.rehearse": {others: groupByText},
	"policy.set":      {others: `{"values":{"link-days":"5"}}`},
	"policy.show":     {others: `{}`},
	"policy.test":     {others: groupByText},

	"profile.add":    {others: `{"name":"tiny"}`},
	"profile.list":   {others: `{}`},
	"profile.remove": {others: `{"name":"light"}`},
	"profile.set":    {others: `{"name":"light","quota":"none"}`},
	"profile.show":   {others: `{"name":"light"}`},
	"push.drop":      {others: `{"number":1}`, closed: true},
	"push.list":      {others: `{}`, closed: true},
	"quota.set":      {others: `{"path":"/Team","limit":"none"}`, own: `{"path":"~mia/dir","limit":"5MB"}`},
	"quota.show":     {others: `{"path":"/Team"}`, own: `{"path":"~mia"}`},
	"reach":          {others: `{"user":"max"}`, own: `{"user":"mia"}`},

	"review":      {others: `{"op":"group.add","args":{"name":"crew"},"digest":"0"}`},
	"review.run":  {others: `{}`},
	"rewind":      {others: `{"path":"/Team","at":"2001-01-01T00:00:00Z"}`},
	"rewind.plan": {others: `{"path":"/Team","at":"2001-01-01T00:00:00Z"}`},

	"role.add":    {others: `{"name":"clerk"}`},
	"role.give":   {others: `{"role":"auditor","to":["mia"]}`},
	"role.list":   {others: `{}`},
	"role.remove": {others: `{"name":"auditor"}`},
	"role.show":   {others: `{"name":"auditor"}`},
	"role.take":   {others: `{"role":"auditor","to":["max"]}`},
	"scrub":       {others: `{}`, closed: true},

	"link.add":     {others: `{"path":"/Team/dir","by":"max"}`, own: `{"path":"~mia/dir"}`, closed: true},
	"link.list":    {others: `{"by":"max"}`, own: `{"by":"mia"}`},
	"link.remove":  {others: `{"name":"LINK-max"}`, own: `{"name":"LINK-mia"}`},
	"share.add":    {others: `{"path":"/Team/dir","by":"max","to":"gus"}`, own: `{"path":"~mia","to":"max"}`, closed: true},
	"share.adopt":  {others: `{"id":"SHARE-max","by":"mia"}`, own: `{"id":"SHARE-mia","by":"mia"}`, closed: true},
	"share.list":   {others: `{}`, own: `{"to":"mia"}`},
	"share.remove": {others: `{"name":"SHARE-max"}`, own: `{"name":"SHARE-mia"}`},

	"space.add":      {others: `{"name":"Mine","kind":"room"}`},
	"space.archive":  {others: `{"name":"Team"}`},
	"space.close":    {others: `{"name":"Desk"}`},
	"space.list":     {others: `{}`},
	"space.open":     {others: `{"name":"Desk"}`},
	"space.restore":  {others: `{"name":"Team"}`},
	"space.set":      {others: `{"name":"Team","new_name":"Crew"}`},
	"space.show":     {others: `{"name":"Team"}`, own: `{"name":"~mia"}`},
	"space.transfer": {others: `{"space":"Team","owner":"max"}`},
	"space.trash":    {others: `{"name":"Team"}`},

	"trash.empty":      {others: `{"name":"Team"}`},
	"trash.erase":      {others: `{"space":"Team","name":"gone"}`},
	"trash.list":       {others: `{"name":"Team"}`, own: `{"name":"~mia"}`},
	"trash.restore":    {others: `{"space":"Team","name":"gone"}`, own: `{"space":"~mia","name":"gone"}`},
	"versions.erase":   {others: `{"path":"/Team/file","versions":["1"]}`},
	"versions.label":   {others: `{"path":"/Team/file","versions":["1"],"label":"x"}`, own: `{"path":"~mia/file","versions":["1"],"label":"x"}`},
	"versions.list":    {others: `{"path":"/Team/file"}`, own: `{"path":"~mia/file"}`},
	"versions.restore": {others: `{"path":"/Team/file","versions":["1"]}`, own: `{"path":"~mia/file","versions":["1"]}`},
	"versions.show":    {others: `{"path":"/Team/file","versions":["1"]}`, own: `{"path":"~mia/file","versions":["1"]}`},

	"user.activate":   {others: `{"name":"gus"}`},
	"user.add":        {others: `{"name":"eve","type":"guest","password":"correct horse"}`},
	"user.deactivate": {others: `{"name":"gus"}`},
	"user.delete":     {others: `{"name":"gus"}`},
	"user.list":       {others: `{}`},
	"user.passwd":     {others: `{"name":"max","password":"correct horse"}`, own: `{"name":"mia","password":"correct horse"}`},
	"user.set":        {others: `{"name":"max","email":"a@b"}`, own: `{"name":"mia","email":"a@b"}`},
	"user.show":       {others: `{"name":"max"}`, own: `{"name":"mia"}`},
	"user.unlock":     {others: `{"name":"max"}`, own: `{"name":"mia"}`},
	"who":             {others: `{"path":"/Team"}`, own: `{"path":"~mia"}`},
	"who.then":        {others: `{"path":"/Team"}`},
}

// groupByText are the arguments of operations on the policy as text: a group.
var groupByText = fmt.Sprintf(`{"text":%q}`, base64.StdEncoding.EncodeToString([]byte("davit-policy 1\ngroup crew")))

// permitWorld has mia, a member, beside what is not hers.
// Her shares and those of max have names in the rows.
func permitWorld(t *testing.T) (a *Admin, named *strings.Replacer) {
	t.Helper()
	ctx := context.Background()
	a = newAdmin(t)
	for name, kind := range map[string]policy.Type{"ann": policy.Owner, "adam": policy.Admin, "mia": policy.Member, "max": policy.Member, "gus": policy.Guest} {
		a.testUser(t, name, kind)
	}
	for op, args := range map[string][]string{
		"space.add":   {`{"name":"Team","owner":"ann"}`, `{"name":"Desk","kind":"portal"}`},
		"group.add":   {`{"name":"staff"}`, `{"name":"choir"}`},
		"role.add":    {`{"name":"auditor"}`},
		"profile.add": {`{"name":"light"}`},
		"device.add":  {`{"user":"max","name":"phone","class":"dav"}`, `{"user":"mia","name":"phone","class":"dav"}`},
	} {
		for _, one := range args {
			if _, err := operations[op].decoded(ctx, a, []byte(one)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for op, args := range map[string]string{
		"level.set": `{"space":"Team","principal":"max","level":"manager"}`, "group.join": `{"group":"staff","members":["max"]}`,
		"group.set": `{"name":"choir","managers":["mia"]}`, "role.give": `{"role":"auditor","to":["max"]}`,
	} {
		if _, err := operations[op].decoded(ctx, a, []byte(args)); err != nil {
			t.Fatal(err)
		}
	}
	for user, p := range map[string]store.Path{"max": {"Team", "dir"}, "mia": {"~mia", "dir"}} {
		s := a.st.Login(store.Credential{User: a.st.Policy().UserNamed(user).ID, Mask: policy.All, Class: policy.DAV})
		if _, err := s.Mkdir(ctx, p, store.Terms{}); err != nil {
			t.Fatal(err)
		}
	}
	for user, space := range map[string]string{"max": "Team", "mia": "~mia"} {
		s := a.st.Login(store.Credential{User: a.st.Policy().UserNamed(user).ID, Mask: policy.All, Class: policy.DAV})
		for _, name := range []string{"file", "file", "gone"} {
			u, err := s.Begin(store.Path{space, name}, -1, store.Terms{})
			if err == nil {
				u.Write([]byte(time.Now().String()))
				_, _, err = u.Commit(ctx, store.Meta{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Remove(ctx, store.Path{space, "gone"}, store.Terms{}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for user, path := range map[string]string{"max": "/Team/dir", "mia": "~mia/dir"} {
		sh, err := a.AddShare(ctx, NewShare{Path: path, By: user, To: "gus"})
		if err != nil {
			t.Fatal(err)
		}
		link, err := a.AddLink(ctx, NewLink{NewShare: NewShare{Path: path, By: user}})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, "SHARE-"+user, sh.ID, "LINK-"+user, link.ID)
	}
	return a, strings.NewReplacer(names...)
}

// TestPermits asks for every operation in a member's name, and then in an
// admin's and the operator's.
func TestPermits(t *testing.T) {
	ctx := context.Background()
	a, named := permitWorld(t)
	do := func(as, name, args string) error {
		door, err := a.As(as).acting()
		if err != nil {
			t.Fatal(err)
		}
		_, err = operations[name].decoded(ctx, door, json.RawMessage(named.Replace(args)))
		return tell(err)
	}
	before := a.st.Policy()
	for _, name := range Operations() {
		row, known := permits[name]
		if !known {
			t.Errorf("%s has no row here: say what others than the operator get of it", name)
			continue
		}
		if err := do("mia", name, row.others); kindOf(err) != Refused && kindOf(err) != NotFound {
			t.Errorf("%s: a member gets what is others': %v", name, err)
		}
		if a.st.Policy() != before {
			t.Fatalf("%s was refused and changed the policy", name)
		}
	}
	for _, name := range Operations() {
		if row := permits[name]; row.own != "" {
			if err := do("mia", name, row.own); err != nil {
				t.Errorf("%s: a member does not get the own: %v", name, err)
			}
		}
	}
	for _, name := range Operations() { // what one takes away is not there for the next
		if err := do("adam", name, permits[name].others); (kindOf(err) == Refused) != permits[name].closed {
			t.Errorf("%s: an admin gets %v, want refused: %t", name, err, permits[name].closed)
		}
	}
	for _, name := range Operations() {
		if err := do("", name, permits[name].others); kindOf(err) == Refused {
			t.Errorf("%s: the operator is refused: %v", name, err)
		}
	}
	for name := range permits {
		if operations[name] == nil {
			t.Errorf("%s is no operation", name)
		}
	}
}

// TestNoPermit: an operation that says nothing of who may ask for it is the
// operator's alone.
func TestNoPermit(t *testing.T) {
	ctx, a := context.Background(), newAdmin(t)
	a.testUser(t, "ann", policy.Owner)
	o := Op[None, int]{name: "new", run: func(*Admin, context.Context, None) (int, error) { return 1, nil }}
	acting, err := a.As("ann").acting()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.carryOut(ctx, acting, None{}); kindOf(err) != Refused {
		t.Errorf("an owner gets it: %v", err)
	}
	if n, err := o.carryOut(ctx, a, None{}); n != 1 || err != nil {
		t.Errorf("the operator gets %d, %v", n, err)
	}
}

// TestHiddenIsMissing: what somebody may not know of answers word for word like
// what is not there, whatever is asked.
func TestHiddenIsMissing(t *testing.T) {
	ctx := context.Background()
	a, _ := permitWorld(t)
	door := a.As("mia")
	ask := map[string]func(path string) error{
		"acl.show": func(p string) error { return second(ShowAccess.Do(ctx, door, AccessOf{Path: p})) },
		"acl.set": func(p string) error {
			return second(SetAccess.Do(ctx, door, NewAccess{Path: p, Principal: "mia", Allow: "read"}))
		},
		"acl.clear": func(p string) error { return second(ClearAccess.Do(ctx, door, AccessOf{Path: p})) },
		"acl.cut":   func(p string) error { return second(CutAccess.Do(ctx, door, Located{p})) },
		"quota.set": func(p string) error { return second(SetQuota.Do(ctx, door, NewQuota{p, "1MB"})) },
		"quota":     func(p string) error { return second(ShowQuota.Do(ctx, door, Located{p})) },
		"who":       func(p string) error { return second(Who.Do(ctx, door, Place{Path: p})) },
		"can":       func(p string) error { return second(Can.Do(ctx, door, Question{User: "mia", Ask: "read", Path: p})) },
		"explain":   func(p string) error { return second(Explain.Do(ctx, door, Question{User: "mia", Ask: "PUT", Path: p})) },
		"explain to": func(p string) error {
			return second(Explain.Do(ctx, door, Question{User: "mia", Ask: "MOVE", Path: "~mia/dir", To: p}))
		},
		"share.list": func(p string) error { return second(ListShares.Do(ctx, door, Which{By: "mia", Path: p})) },
		"link.list":  func(p string) error { return second(ListLinks.Do(ctx, door, Which{To: "mia", Path: p})) },
		"share.add":  func(p string) error { return second(AddShare.Do(ctx, door, NewShare{Path: p, To: "max"})) },
		"link.add":   func(p string) error { return second(AddLink.Do(ctx, door, NewLink{NewShare: NewShare{Path: p}})) },
		"explain another": func(p string) error {
			return second(Explain.Do(ctx, door, Question{User: "max", Ask: "PUT", Path: p}))
		},
	}
	for name, one := range ask {
		hidden, missing := one("/Team/dir"), one("/Team/none")
		if kindOf(hidden) != NotFound || hidden.Error() != "/Team/dir: not found" || kindOf(missing) != NotFound || missing.Error() != "/Team/none: not found" {
			t.Errorf("%s: hidden is %v, missing is %v", name, hidden, missing)
		}
	}
	spaces := map[string]func(name string) error{
		"level.list": func(n string) error { return second(ListLevels.Do(ctx, door, Named{n})) },
		"level.set": func(n string) error {
			return second(SetLevel.Do(ctx, door, NewLevel{Space: n, Principal: "mia", Level: "viewer"}))
		},
		"space.show":  func(n string) error { return second(ShowSpace.Do(ctx, door, Named{n})) },
		"space.set":   func(n string) error { return second(SetSpace.Do(ctx, door, EditSpace{Name: n, NewName: new("x")})) },
		"space.trash": func(n string) error { return second(TrashSpace.Do(ctx, door, Named{n})) },
		"space.transfer": func(n string) error {
			return second(TransferSpace.Do(ctx, door, Handover{n, "max"}))
		},
		"device.add": func(n string) error {
			return second(AddDevice.Do(ctx, door, NewDevice{User: "mia", Name: "x", Class: policy.DAV, Spaces: []string{n}}))
		},
	}
	for _, pair := range [][2]string{{"Team", "Nope"}, {"~max", "~bob"}} {
		for name, one := range spaces {
			hidden, missing := tell(one(pair[0])).(*Error), tell(one(pair[1])).(*Error)
			for _, err := range []*Error{hidden, missing} {
				if err.Kind != NotFound {
					t.Errorf("%s: %v", name, err)
				}
			}
			if len(hidden.Text)-len(pair[0]) != len(missing.Text)-len(pair[1]) || hidden.Hint != missing.Hint {
				t.Errorf("%s: hidden is %q (%s), missing is %q (%s)", name, hidden.Text, hidden.Hint, missing.Text, missing.Hint)
			}
		}
	}
}

// TestUnknownIsMissing: a person, group or role that a guest may not know of answers
// word for word like one that is not there, whatever is asked.
func TestUnknownIsMissing(t *testing.T) {
	ctx := context.Background()
	a, _ := permitWorld(t)
	for _, err := range []error{
		second(AddSpace.Do(ctx, a, NewSpace{Name: "Hall", Kind: policy.Room, Owner: "ann"})),
		second(SetLevel.Do(ctx, a, NewLevel{Space: "Hall", Principal: "gus", Level: "viewer"})),
		second(JoinGroup.Do(ctx, a, Membership{"choir", []string{"gus"}})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	door := a.As("gus")
	user := map[string]func(name string) error{
		"level.set": func(n string) error {
			return second(SetLevel.Do(ctx, door, NewLevel{Space: "Hall", Principal: n, Level: "viewer"}))
		},
		"acl.set": func(n string) error {
			return second(SetAccess.Do(ctx, door, NewAccess{Path: "/Hall", Principal: n, Allow: "read"}))
		},
		"acl.clear":      func(n string) error { return second(ClearAccess.Do(ctx, door, AccessOf{"/Hall", n})) },
		"space.transfer": func(n string) error { return second(TransferSpace.Do(ctx, door, Handover{"Hall", n})) },
		"space.set":      func(n string) error { return second(SetSpace.Do(ctx, door, EditSpace{Name: "Hall", Owner: &n})) },
		"space.add":      func(n string) error { return second(AddSpace.Do(ctx, door, NewSpace{Name: "Mine", Owner: n})) },
		"user.set":       func(n string) error { return second(SetUser.Do(ctx, door, EditUser{Name: n, Email: new("a@b")})) },
		"user.show":      func(n string) error { return second(ShowUser.Do(ctx, door, Named{n})) },
		"share.add":      func(n string) error { return second(AddShare.Do(ctx, door, NewShare{Path: "/Hall", To: n})) },
		"share.add --by": func(n string) error {
			return second(AddShare.Do(ctx, door, NewShare{Path: "/Hall", By: n, To: "ann"}))
		},
		"share.list": func(n string) error { return second(ListShares.Do(ctx, door, Which{By: "gus", To: n})) },
		"explain": func(n string) error {
			return second(Explain.Do(ctx, door, Question{User: n, Ask: "read", Path: "/Hall"}))
		},
	}
	group := map[string]func(name string) error{
		"group.show":   func(n string) error { return second(ShowGroup.Do(ctx, door, Named{n})) },
		"group.join":   func(n string) error { return second(JoinGroup.Do(ctx, door, Membership{n, []string{"ann"}})) },
		"group.set":    func(n string) error { return second(SetGroup.Do(ctx, door, EditGroup{Name: n, NewName: new("x")})) },
		"group.remove": func(n string) error { return second(RemoveGroup.Do(ctx, door, Named{n})) },
		"level.set":    func(n string) error { return user["level.set"]("group:" + n) },
	}
	role := map[string]func(name string) error{
		"role.give":   func(n string) error { return second(GiveRole.Do(ctx, door, Grant{n, []string{"ann"}})) },
		"role.remove": func(n string) error { return second(RemoveRole.Do(ctx, door, Named{n})) },
		"role.show":   func(n string) error { return second(ShowRole.Do(ctx, door, Named{n})) },
	}
	for pair, ask := range map[[2]string]map[string]func(string) error{
		{"max", "bob"}: user, {"choir", "tribe"}: group, {"staff", "tribe"}: group, {"auditor", "cook"}: role,
	} {
		for name, one := range ask {
			hidden, missing := tell(one(pair[0])), tell(one(pair[1]))
			if hidden == nil || missing == nil {
				t.Errorf("%s of %s: %v, of %s: %v", name, pair[0], hidden, pair[1], missing)
			} else if strings.ReplaceAll(hidden.Error(), pair[0], pair[1]) != missing.Error() || kindOf(hidden) != kindOf(missing) {
				t.Errorf("%s: hidden is %q, missing is %q", name, hidden, missing)
			}
		}
	}
	if err := user["level.set"]("ann"); kindOf(err) != Refused {
		t.Errorf("whom the guest meets is not known: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestEpochs: a change made for a policy that is no more is a conflict, at both
// doors.
func TestEpochs(t *testing.T) {
	ctx, a := context.Background(), newAdmin(t)
	dir := shortDir(t)
	a.testServe(t, dir)
	c, err := Dial(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	at := a.st.Policy().Epoch
	for i, door := range []Doer{a.Since(at), c.Since(at + 1), a.As("").Since(0), c.Since(0)} {
		if _, err := AddGroup.Do(ctx, door, Named{string(rune('a' + i))}); err != nil {
			t.Errorf("door %d of the epoch of now: %v", i, err)
		}
	}
	for i, door := range []Doer{a.Since(at), c.Since(at), c.Since(at + 100)} {
		_, err := AddGroup.Do(ctx, door, Named{"late"})
		if kindOf(err) != Conflict || !errors.As(err, new(*Error)) {
			t.Errorf("door %d of another epoch: %v", i, err)
		}
		if _, err := ListGroups.Do(ctx, door, None{}); err != nil {
			t.Errorf("a question at door %d: %v", i, err)
		}
	}
}
