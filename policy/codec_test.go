package policy_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// onPaper is one change of each type, word for word as trails hold it already: a
// line here never changes.
var onPaper = []struct {
	change policy.Change
	text   string
}{
	{policy.PutUser{User: policy.User{ID: 17, Name: "mia", Type: policy.Member, Profile: 18, Quota: new(policy.Limit(5)), Home: 19}},
		`{"put-user":{"User":{"id":17,"name":"mia","type":"member","profile":18,"quota":5,"home":19}}}`},
	{policy.DropUser{ID: 17}, `{"drop-user":{"ID":17}}`},
	{policy.PutGroup{Group: policy.Group{ID: 20, Name: "auditor", Role: true}}, `{"put-group":{"Group":{"id":20,"name":"auditor","role":true}}}`},
	{policy.DropGroup{ID: 20}, `{"drop-group":{"ID":20}}`},
	{policy.Join{Group: 20, Member: 17}, `{"join":{"Group":20,"Member":17}}`},
	{policy.Leave{Group: 20, Member: 17}, `{"leave":{"Group":20,"Member":17}}`},
	{policy.PutProfile{Profile: policy.Profile{ID: 18, Name: "light", Quota: policy.NoLimit, Functions: new(policy.FilesPersonal | policy.ChanMobile)}},
		`{"put-profile":{"Profile":{"id":18,"name":"light","quota":-1,"functions":"files.personal,chan.mobile"}}}`},
	{policy.DropProfile{ID: 18, Successor: 21}, `{"drop-profile":{"ID":18,"Successor":21}}`},
	{policy.PutSpace{Space: policy.Space{ID: 22, Name: "Finance", Kind: policy.Room, State: policy.Active, Owner: 17, Root: 23, Quota: 1000,
		Levels: []policy.Entry{{Principal: 17, Allow: policy.See | policy.Read, Level: "viewer"}}, Pins: []policy.ID{17}}},
		`{"put-space":{"Space":{"id":22,"name":"Finance","kind":"room","state":"active","owner":17,"root":23,"quota":1000,` +
			`"levels":[{"principal":17,"allow":"see,read","level":"viewer"}],"pins":[17]}}}`},
	{policy.TransferSpace{Space: 22, Owner: 17}, `{"transfer-space":{"Space":22,"Owner":17}}`},
	{policy.DropSpace{ID: 22}, `{"drop-space":{"ID":22}}`},
	{policy.SetLevel{Space: 22, Entry: policy.Entry{Principal: 2, Allow: policy.All, Class: policy.Mobile, From: 1, Until: 9}, Pin: new(false)},
		`{"set-level":{"Space":22,"Entry":{"principal":2,"allow":"all","class":"mobile","from":1,"until":9},"Pin":false}}`},
	{policy.SetEntry{At: policy.Place{Space: 22, Path: []policy.Node{23, 24}}, Entry: policy.Entry{Principal: 20, Revoke: policy.Write, Deny: policy.Purge}},
		`{"set-entry":{"At":{"Space":22,"Path":[23,24]},"Entry":{"principal":20,"revoke":"write","deny":"purge"}}}`},
	{policy.ClearEntries{Node: 24, Principal: 20}, `{"clear-entries":{"Node":24,"Principal":20}}`},
	{policy.SetCut{At: policy.Place{Space: 22, Path: []policy.Node{23}}, On: true}, `{"set-cut":{"At":{"Space":22,"Path":[23]},"On":true}}`},
	{policy.SetCut{At: policy.Place{Space: 22, Path: []policy.Node{23}}, On: true, Rank: 2}, `{"set-cut":{"At":{"Space":22,"Path":[23]},"On":true,"Rank":"manager"}}`},
	{policy.PutShare{Share: policy.Share{ID: 30, By: 17, To: 30, Rights: policy.See | policy.Read, Made: 5, Until: 9, Password: true},
		At: policy.Place{Space: 22, Path: []policy.Node{23}}},
		`{"put-share":{"Share":{"id":30,"by":17,"to":30,"rights":"see,read","made":5,"until":9,"password":true},"At":{"Space":22,"Path":[23]}}}`},
	{policy.DropShare{ID: 30}, `{"drop-share":{"ID":30}}`},
	{policy.PutSettings{Settings: policy.Settings{Links: true, LinkDays: 30, Sharing: policy.ShareOwn, AdminReads: policy.ReadsAudited,
		LockoutAfter: 5, Inside: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		`{"put-settings":{"Settings":{"links":true,"link_days":30,"link_password":false,"guests":false,"sharing":"own",` +
			`"two_factor":false,"admin_reads":"audited","lockout_after":5,"inside":["10.0.0.0/8"]}}}`},
	{policy.SetQuota{At: policy.Place{Space: 22, Path: []policy.Node{23}}, Limit: new(policy.Limit(7))},
		`{"set-quota":{"At":{"Space":22,"Path":[23]},"Limit":7}}`},
	{policy.MoveNode{To: policy.Place{Space: 22, Path: []policy.Node{23, 24}}}, `{"move-node":{"To":{"Space":22,"Path":[23,24]}}}`},
	{policy.ParkNode{Node: 24}, `{"park-node":{"Node":24}}`},
	{policy.DropNodes{Nodes: []policy.Node{24, 25}}, `{"drop-nodes":{"Nodes":[24,25]}}`},
}

func TestChangesAsData(t *testing.T) {
	for _, row := range onPaper {
		text, err := policy.MarshalChange(row.change)
		if err != nil || string(text) != row.text {
			t.Errorf("%#v is written\n%s (%v), in trails\n%s", row.change, text, err, row.text)
		}
		back, err := policy.UnmarshalChange(json.RawMessage(row.text))
		if err != nil || !reflect.DeepEqual(back, row.change) {
			t.Errorf("%s\nis read as %#v (%v)", row.text, back, err)
		}
	}
}

// TestEveryChangeIsWritten finds each type of change in the sources: it has a
// name to be written under.
func TestEveryChangeIsWritten(t *testing.T) {
	var have []string
	for _, row := range onPaper {
		have = append(have, reflect.TypeOf(row.change).Name())
	}
	types := changesIn(t)
	for _, name := range types {
		if !slices.Contains(have, name) {
			t.Errorf("%s has no name in changeTypes, or no line in this test", name)
		}
	}
	if len(types) < 18 || !slices.Contains(types, "PutUser") {
		t.Errorf("the sources hold only the changes %v: this test is blind", types)
	}
}

// changesIn are the types with the one method of a Change.
func changesIn(t *testing.T) (types []string) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := file.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "apply" && fn.Recv != nil {
				types = append(types, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return types
}

func TestUnreadableChanges(t *testing.T) {
	for text, want := range map[string]string{
		``:                             "an object of one member",
		`[]`:                           "an object of one member",
		`{}`:                           "an object of one member",
		`{"join":{},"leave":{}}`:       "an object of one member",
		`{"crown":{"User":17}}`:        `no change "crown"; it may be a newer davit's`,
		`{"join":{"Group":1,"As":2}}`:  `change "join": json: unknown field "As"`,
		`{"join":{"Group":"x"}}`:       `change "join"`,
		`{"put-user":{"User":{"x":1}}`: "an object of one member",
		`{"set-entry":{"Entry":{"allow":"fly"}}}`:      `no right "fly"`,
		`{"set-entry":{"Entry":{"class":"spacecra"}}}`: `no client class "spacecra"`,
	} {
		c, err := policy.UnmarshalChange(json.RawMessage(text))
		if !errors.Is(err, policy.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %#v, error %v, want %q", text, c, err, want)
		}
	}
	type stranger struct{ policy.Join }
	if _, err := policy.MarshalChange(stranger{}); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("a change without a name is written: %v", err)
	}
}
