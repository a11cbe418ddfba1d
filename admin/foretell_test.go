package admin

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"davit/policy"
	"davit/store"
)

// newStaffed is an Admin with people, a group and a space.
func newStaffed(t *testing.T) *Admin {
	a := newAdmin(t)
	for _, name := range []string{"ann", "mia", "max"} {
		a.testUser(t, name, policy.Member)
	}
	a.testUser(t, "olivia", policy.Owner)
	ctx := context.Background()
	for _, err := range []error{
		failed(AddGroup.Do(ctx, a, Named{"staff"})), failed(AddRole.Do(ctx, a, Named{"auditor"})),
		failed(JoinGroup.Do(ctx, a, Membership{"staff", []string{"mia", "max"}})),
		failed(AddSpace.Do(ctx, a, NewSpace{Name: "Team"})), failed(AddSpace.Do(ctx, a, NewSpace{Name: "Portal", Kind: policy.Portal})), failed(AddProfile.Do(ctx, a, EditProfile{Name: "light"})),
		failed(SetLevel.Do(ctx, a, NewLevel{Space: "Team", Principal: "staff", Level: "editor"})),
		failed(SetLevel.Do(ctx, a, NewLevel{Space: "Team", Principal: "mia", Level: "editor+share"})),
		failed(SetLevel.Do(ctx, a, NewLevel{Space: "Team", Principal: "olivia", Level: "manager"})),
		failed(GiveRole.Do(ctx, a, Grant{"auditor", []string{"ann"}})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func failed[R any](_ R, err error) error { return err }

// foretold has one call of each operation that can be foretold, in an order in
// which all succeed.
var foretold = []struct{ op, args string }{
	{"user.delete", `{"name": "gone"}`},
	{"user.add", `{"name": "zoe", "password": "correct horse"}`},
	{"user.set", `{"name": "mia", "profile": "light"}`},
	{"user.deactivate", `{"name": "mia"}`},
	{"user.activate", `{"name": "mia"}`},
	{"group.add", `{"name": "sales"}`},
	{"group.join", `{"group": "staff", "members": ["ann"]}`},
	{"group.leave", `{"group": "staff", "members": ["mia"]}`},
	{"role.add", `{"name": "clerk"}`},
	{"role.give", `{"role": "auditor", "to": ["mia"]}`},
	{"role.take", `{"role": "auditor", "to": ["ann"]}`},
	{"level.set", `{"space": "Team", "principal": "max", "level": "viewer", "pin": true}`},
	{"acl.set", `{"path": "/Team", "principal": "ann", "allow": "read"}`},
	{"calendar.share", `{"path": "~mia/calendar", "to": "staff"}`},
	{"calendar.unshare", `{"path": "~mia/calendar", "to": "staff"}`},
	{"acl.cut", `{"path": "/Team"}`},
	{"acl.uncut", `{"path": "/Team"}`},
	{"acl.clear", `{"path": "/Team"}`},
	{"quota.set", `{"path": "/Team", "limit": "1GB"}`},
	{"profile.add", `{"name": "heavy"}`},
	{"profile.set", `{"name": "standard", "functions": "files"}`},
	{"profile.remove", `{"name": "standard", "replace_with": "light"}`},
	{"matrix.apply", `{"csv": "user,Team\nann,viewer\n"}`},
	{"space.set", `{"name": "Team", "quota": "5GB"}`},
	{"space.transfer", `{"space": "Portal", "owner": "ann"}`},
	{"space.close", `{"name": "Portal"}`},
	{"space.open", `{"name": "Portal"}`},
	{"space.trash", `{"name": "Portal"}`},
	{"space.restore", `{"name": "Portal"}`},
	{"group.set", `{"name": "staff", "new_name": "people"}`},
	{"group.set", `{"name": "people", "new_name": "staff"}`},
	{"share.add", `{"path": "/Team", "by": "mia", "to": "ann"}`},
	{"share.adopt", `{"id": "SHARE", "by": "olivia"}`},
	{"share.remove", `{"name": "SHARE"}`},
	{"link.add", `{"path": "~mia", "by": "mia"}`},
	{"link.remove", `{"name": "SHARE"}`},
	{"policy.set", `{"values": {"guests": "off"}}`},
	{"policy.apply", groupByText},
	{"space.archive", `{"name": "Team"}`},
	{"space.restore", `{"name": "Team"}`},
	{"space.add", `{"name": "Room", "kind": "room", "owner": "ann"}`},
	{"role.remove", `{"name": "auditor"}`},
	{"group.remove", `{"name": "staff"}`},
}

// TestForetell runs every operation that can be foretold without effect, and
// then, with the digest, for real.
func TestForetell(t *testing.T) {
	ctx := context.Background()
	a := newStaffed(t)
	gone := a.testUser(t, "gone", policy.Member)
	if _, err := DeactivateUser.Do(ctx, a, Named{gone.Name}); err != nil {
		t.Fatal(err)
	}
	for _, call := range foretold {
		args := call.args
		for _, sh := range a.st.Policy().Shares() { // the newest one
			args = strings.ReplaceAll(call.args, "SHARE", strconv.FormatUint(uint64(sh.ID), 36))
		}
		plan := Plan{Op: call.op, Args: json.RawMessage(args)}
		before := a.st.Policy()
		told, err := Foretell.Do(ctx, a, plan)
		if err != nil || told.Digest == "" {
			t.Fatalf("%s: foretold %+v, %v", call.op, told, err)
		}
		if a.st.Policy() != before {
			t.Fatalf("foretelling %s changed the policy", call.op)
		}
		plan.Digest = told.Digest
		if _, err := Review.Do(ctx, a, plan); err != nil {
			t.Fatalf("%s: %v", call.op, err)
		}
		in := policy.Subject{Mask: policy.All, Class: policy.DAV, Now: a.st.Now().Unix()}
		if d := policy.Compare(before, a.st.Policy(), in); len(d.Users) != len(told.Users) || d.Same != told.Same {
			t.Errorf("%s: foretold %d users and %d the same, then %d and %d", call.op, len(told.Users), told.Same, len(d.Users), d.Same)
		}
	}
	for op, o := range operations {
		if o.Changes() && !slices.ContainsFunc(foretold, func(call struct{ op, args string }) bool { return call.op == op }) {
			t.Errorf("no call of %s to foretell in this test", op)
		}
	}
}

// TestReview: what would mean something else than what was reviewed is refused,
// and changes nothing.
func TestReview(t *testing.T) {
	ctx := context.Background()
	a := newStaffed(t)
	plan := Plan{Op: "level.set", Args: json.RawMessage(`{"space": "Team", "principal": "staff", "level": "viewer"}`)}
	before := a.st.Policy()
	told, err := Foretell.Do(ctx, a, plan)
	if err != nil {
		t.Fatal(err)
	}
	plan.Digest = told.Digest
	if _, err := JoinGroup.Do(ctx, a, Membership{"staff", []string{"ann"}}); err != nil {
		t.Fatal(err)
	}
	reviewed := before
	before = a.st.Policy()
	if _, err := a.upon(ctx, plan, reviewed); !errors.Is(err, store.ErrEpoch) || a.st.Policy() != before {
		t.Errorf("carried out upon another policy: %v", err)
	}
	if _, err := Review.Do(ctx, a, plan); kindOf(err) != Conflict || a.st.Policy() != before {
		t.Errorf("one more loses by it: %v", err)
	}
	if _, err := LeaveGroup.Do(ctx, a, Membership{"staff", []string{"ann"}}); err != nil {
		t.Fatal(err)
	}
	result, err := Review.Do(ctx, a, plan)
	var level Level
	if err != nil || json.Unmarshal(result, &level) != nil || level.Level != "viewer" {
		t.Errorf("the reviewed change: %s, %v", result, err)
	}
	for _, plan := range []Plan{{Op: "user.fly"}, {Op: "user.list", Args: json.RawMessage(`{}`)}, {Op: "foretell", Args: json.RawMessage(`{}`)}} {
		before := a.st.Policy()
		_, err := Foretell.Do(ctx, a, plan)
		if kind := kindOf(err); kind != NotFound && kind != Invalid {
			t.Errorf("%s: %v", plan.Op, err)
		}
		if _, err := Review.Do(ctx, a, plan); err == nil || a.st.Policy() != before {
			t.Errorf("%s reviewed: %v", plan.Op, err)
		}
	}
}

// TestForetellable: the operations that can be foretold are those whose source
// leads to a change of the operator's, and they lead to none of credentials,
// which nobody would take back.
func TestForetellable(t *testing.T) {
	changes := map[string]bool{}
	for _, fn := range functions(t, "../store/*.go") {
		if callsChange(fn) {
			changes[fn.Name.Name] = true
		}
	}
	keeps := map[string]bool{"SetPassword": true, "AddDevice": true, "RemoveDevice": true, "Unlock": true, "Collect": true}
	ops, calls := defined(t), map[string][]string{}
	for _, fn := range functions(t, "*.go") {
		calls[fn.Name.Name] = append(calls[fn.Name.Name], asked(fn.Body)...)
	}
	for name, fn := range ops {
		if name == "review" {
			continue // carries out another one
		}
		if asks := reaches(calls, changes, fn, map[string]bool{}); asks != operations[name].Changes() {
			t.Errorf("%s leads to a change of policy: %v; it is defined as one: %v", name, asks, !asks)
		}
		if operations[name].Changes() && reaches(calls, keeps, fn, map[string]bool{}) {
			t.Errorf("%s can be foretold and changes credentials", name)
		}
	}
	if len(ops) != len(operations) || len(changes) < 5 {
		t.Errorf("found only %d operations and %d changes", len(ops), len(changes))
	}
}

func parsed(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func functions(t *testing.T, pattern string) (fns []*ast.FuncDecl) {
	t.Helper()
	for _, f := range parsed(t, pattern) {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				fns = append(fns, fn)
			}
		}
	}
	return fns
}

// callsChange tells whether a method of the operator changes the policy, by the
// one that all do it by or in steps of its own.
func callsChange(fn *ast.FuncDecl) (calls bool) {
	if fn.Recv == nil || len(fn.Recv.List[0].Names) == 0 || fn.Name.Name == "change" {
		return false
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "change" || sel.Sel.Name == "foretold") {
			on, ok := sel.X.(*ast.Ident)
			calls = calls || ok && on.Name == "o" && fn.Recv.List[0].Names[0].Name == "o"
		}
		return true
	})
	return calls
}

// asked lists what a body asks of its Admin, a, and of an operator in somebody's
// name, and the functions that it calls.
func asked(body ast.Node) (names []string) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if slices.Contains([]string{"a", "as", "given"}, leftmost(n)) {
				names = append(names, n.Sel.Name)
			}
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok {
				names = append(names, fn.Name)
			}
		}
		return true
	})
	return names
}

func leftmost(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return leftmost(e.X)
	case *ast.CallExpr:
		return leftmost(e.Fun)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// defined are the functions of all operations, by the operations' names.
func defined(t *testing.T) map[string]string {
	ops := map[string]string{}
	for _, f := range parsed(t, "*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			name, named := call.Args[0].(*ast.BasicLit)
			run, runs := call.Args[len(call.Args)-1].(*ast.SelectorExpr)
			if id, ok := call.Fun.(*ast.Ident); ok && named && runs && (id.Name == "define" || id.Name == "change") {
				op, _ := strconv.Unquote(name.Value)
				ops[op] = run.Sel.Name
			}
			return true
		})
	}
	return ops
}

func reaches(calls map[string][]string, changes map[string]bool, fn string, seen map[string]bool) bool {
	if changes[fn] || seen[fn] {
		return changes[fn]
	}
	seen[fn] = true
	return slices.ContainsFunc(calls[fn], func(next string) bool { return reaches(calls, changes, next, seen) })
}
