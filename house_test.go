// Package davit_test holds the house rules: who may import whom, and that
// nothing reaches content without a decision.
package davit_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows are the folders and what each may import beside the standard library.
// What is not listed for a folder is forbidden to it.
var rows = map[string][]string{
	"policy":       {"golang.org/x/text/unicode/norm"},
	"policy/text":  {"davit/policy", "golang.org/x/text/unicode/norm"},
	"store":        {"davit/policy", "davit/store/blob", "davit/store/bolt", "davit/store/disk", "davit/store/engine", "github.com/google/uuid"},
	"store/engine": {},
	"store/bolt":   {"davit/store/engine", "go.etcd.io/bbolt", "go.etcd.io/bbolt/errors"},
	"store/disk":   {"golang.org/x/sys/unix"},
	"store/blob":   {"davit/store/disk"},
	"auth":         {"davit/store", "davit/policy", "golang.org/x/crypto/argon2"},
	"dav":          {"davit/dav/wire", "davit/store", "davit/policy", "davit/dav/webpush", "golang.org/x/net/webdav"},
	"caldav":       {"davit/caldav/filter", "davit/caldav/ical", "davit/caldav/itip", "davit/caldav/recur", "davit/caldav/zone", "davit/dav", "davit/dav/wire", "davit/store", "davit/policy"},
	"dav/wire":     {"golang.org/x/text/unicode/norm"},
	"admin":        {"davit/auth", "davit/store", "davit/policy", "davit/policy/text", "golang.org/x/text/unicode/norm"},
	"cmd/davit":    {"davit/admin", "davit/auth", "davit/caldav", "davit/caldav/fetch", "davit/caldav/imip", "davit/caldav/source", "davit/dav", "davit/dav/outward", "davit/store", "davit/policy", "davit/policy/text", "davit/dav/webpush", "github.com/spf13/cobra", "github.com/spf13/cobra/doc", "github.com/spf13/pflag", "golang.org/x/term"},
	"bench":        {"golang.org/x/net/webdav", "golang.org/x/sys/unix"},
	"dav/davtest":  {"davit/auth", "davit/caldav", "davit/dav", "davit/store", "davit/policy"},
	// the calendar core, which knows no store and no HTTP
	"caldav/ical":  {"github.com/emersion/go-ical"},
	"caldav/rule":  {"davit/caldav/ical"},
	"caldav/zone":  {"davit/caldav/ical", "davit/caldav/rule"},
	"caldav/recur": {"davit/caldav/ical", "davit/caldav/rule", "davit/caldav/zone"},
	// reads other servers' calendars, and knows nothing of this one
	"caldav/source": {"github.com/emersion/go-webdav/caldav"},
	"caldav/filter": {"davit/caldav/ical", "davit/caldav/recur", "golang.org/x/text/unicode/norm"},
	"caldav/itip":   {"davit/caldav/ical", "davit/caldav/recur", "davit/caldav/zone"},
	"caldav/imip":   {"davit/caldav/ical", "davit/caldav/zone", "github.com/wneessen/go-mail"},
	// asks other servers, and knows nothing of this one
	"dav/outward":  {},
	"caldav/fetch": {"davit/dav/outward"},
	// the same, of push services
	"dav/webpush": {"davit/dav/outward"},
	// a push service for tests
	"dav/webpush/webpushtest": {},
	// a mail server for tests
	"caldav/imip/imiptest": {},
	// the conformance suite of engines
	"store/engine/enginetest": {"davit/store/engine"},
}

// sharers may be imported in more than one folder; every other third-party
// package has one place.
var sharers = map[string]string{
	"golang.org/x/text/unicode/norm": "names are compared by policy and read by policy/text, dav/wire and admin; caldav/filter compares texts",
	"golang.org/x/net/webdav":        "bench measures against the bare library",
	"golang.org/x/sys/unix":          "bench asks the kernel for its figures",
	"github.com/spf13/cobra/doc":     "a package of cobra",
}

// layerBreaks names what the imports break of the table.
func layerBreaks(imports map[string][]string) (breaks []string) {
	place := map[string]string{}
	for _, dir := range slices.Sorted(mapKeys(imports)) {
		allowed, known := rows[dir]
		if !known {
			breaks = append(breaks, fmt.Sprintf("folder %s is not in the table", dir))
		}
		for _, imp := range imports[dir] {
			if !strings.Contains(strings.Split(imp, "/")[0], ".") && !strings.HasPrefix(imp, "davit") {
				continue // the standard library
			}
			if !slices.Contains(allowed, imp) {
				breaks = append(breaks, fmt.Sprintf("row %s: must not import %s", dir, imp))
			}
			if strings.HasPrefix(imp, "davit") || sharers[imp] != "" {
				continue
			}
			if other := place[imp]; other != "" && other != dir {
				breaks = append(breaks, fmt.Sprintf("%s is imported in %s and in %s", imp, other, dir))
			}
			place[imp] = dir
		}
	}
	return breaks
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sources parses every Go file that is no test, by folder.
func sources(t *testing.T) map[string][]*ast.File {
	t.Helper()
	files := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir(), !strings.HasSuffix(p, ".go"), strings.HasSuffix(p, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(p))
		files[dir] = append(files[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLayers(t *testing.T) {
	imports := map[string][]string{}
	for dir, files := range sources(t) {
		for _, f := range files {
			for _, spec := range f.Imports {
				imp, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(imports[dir], imp) {
					imports[dir] = append(imports[dir], imp)
				}
			}
		}
	}
	for _, b := range layerBreaks(imports) {
		t.Error(b)
	}
	t.Run("planted breaches are seen", func(t *testing.T) {
		for dir, imp := range map[string]string{
			"policy": "davit/store", "dav": "davit/auth", "store": "go.etcd.io/bbolt", "dav/wire": "davit/policy",
			"auth": "github.com/spf13/cobra", "util": "fmt",
		} {
			if len(layerBreaks(map[string][]string{dir: {imp}})) == 0 {
				t.Errorf("%s importing %s went unseen", dir, imp)
			}
		}
	})
}

// doors are the names in package store through which content is reached.
var doors = []string{
	"tableEntry", "entryKey", "tableProp", "propKey", "tableLock", "lockKey", "tableInline", "blobs.Open", "tableTrash", "trashKey", "tableBin", "binKey",
	"tableAside", "asideKey", "tableVersion", "versionKey", "tableObject", "objectKey", "tableUID", "uidKey", "tableSpan", "spanKey", "spanKeys", "tablePost", "postKey",
	"tablePart", "partKey", "partPrefix", "tableAttached", "attachedKey", "tableHolder", "holderKey", "attachedRefKey",
}

// keepers are the functions of package store that pass a door without a grant,
// and why they may.
var keepers = map[string]string{
	"lookup":          "a step of resolve, whose result is only for authorize",
	"indexTrash":      "tells collections what they hold, and nobody else",
	"binnedAs":        "a step of resolve, whose result is only for authorize",
	"eachBinned":      "gives what the asker finds in the trash, each decided for itself",
	"expireVersions":  "begins the search for old ones",
	"resolveNumbered": "a step of resolve, whose result is only for authorize",
	"oldVersions":     "finds versions for the expiry and shows none",
	"asideFrom":       "a question of authorizeMove and bringBack, which go on to authorize",
	"asideTable":      "part of the check",
	"uploadTables":    "part of the check",
	"load":            "counts the locks at the start",
	"collect":         "erases contents that no node has",
	"collection":      "part of the check",
	"contentTables":   "part of the check",
	"blobFile":        "part of the check",
	"readTrash":       "part of the check",
	"binTable":        "part of the check",
	"propTable":       "part of the check",
	"lockTable":       "part of the check",
	"memory":          "part of the check",
	"unused":          "part of the check",
	"indexed":         "part of the check",
	"objectTables":    "part of the check",
	"objectKey":       "makes the key", "uidKey": "makes the key", "spanKey": "makes the key", "tallyKey": "makes the key",
	"tally": "counts changes", "tallyOf": "counts changes", "spanKeys": "makes the keys", "onceKeys": "makes the keys",
	"propKey": "makes the key", "entryKey": "makes the key", "lockKey": "makes the key", "trashKey": "makes the key", "asideKey": "makes the key", "versionKey": "makes the key",
	"binKey": "makes the key", "versionTable": "part of the check",
	"attachedKey": "makes the key", "holderKey": "makes the key", "attachedRefKey": "makes the key",
	"attachmentsOf": "part of the check", "attachmentTables": "part of the check",
	"Scrub":       "hashes blobs and shows no bytes",
	"postKey":     "makes the key",
	"sendOut":     "keeps what the sender may send, for whom no calendar here is",
	"nextLetter":  "numbers messages and shows none",
	"lettersFrom": "for who carries the mail of the whole server, and for nobody else",
	"letter":      "for who carries the mail of the whole server, and for nobody else", "LetterFailed": "the same", "RetryLetter": "the same", "closeLetter": "the same",
}

// judges are the functions that make a grant after asking policy, and the one
// that has policy judge a change of itself.
var judges = []string{"authorize", "authorizeTree", "authorizePut", "authorizeCreate", "authorizeOnto", "authorizeBinned", "mayAdd", "authorizeFreeBusy", "authorizeDeliver", "changeAs"}

// gateBreaks names what the files of package store break of the gate.
func gateBreaks(files []*ast.File) (breaks []string) {
	calls := map[string][]string{} // function -> names it mentions
	var entrances []string
	for _, f := range files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			name := fn.Name.Name
			names := mentions(fn.Body)
			calls[name] = append(calls[name], names...)
			receiver := receiverOf(fn)
			for _, door := range doors {
				if slices.Contains(names, door) && !takesGrant(fn) && keepers[name] == "" {
					breaks = append(breaks, fmt.Sprintf("%s reaches %s without a grant", name, door))
				}
			}
			if makesGrant(fn.Body) && !slices.Contains(judges, name) && receiver != "grant" && name != "housekeeping" {
				breaks = append(breaks, fmt.Sprintf("%s makes a grant of its own", name))
			}
			if (receiver == "Session" || receiver == "Upload") && fn.Name.IsExported() &&
				(slices.Contains(names, "view") || slices.Contains(names, "update")) {
				entrances = append(entrances, name)
			}
		}
	}
	for _, name := range entrances {
		if !reaches(calls, name, map[string]bool{}) {
			breaks = append(breaks, fmt.Sprintf("%s opens a transaction and asks nobody", name))
		}
	}
	return breaks
}

func receiverOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func takesGrant(fn *ast.FuncDecl) bool {
	return slices.ContainsFunc(fn.Type.Params.List, func(p *ast.Field) bool {
		id, ok := p.Type.(*ast.Ident)
		return ok && id.Name == "grant"
	})
}

// makesGrant: a grant literal with something in it.
func makesGrant(body ast.Node) (makes bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok {
			if id, ok := lit.Type.(*ast.Ident); ok && id.Name == "grant" && len(lit.Elts) > 0 {
				makes = true
			}
		}
		return true
	})
	return makes
}

// mentions lists identifiers, and selectors with the name before them.
func mentions(body ast.Node) (names []string) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			names = append(names, n.Name)
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.SelectorExpr); ok {
				names = append(names, x.Sel.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return names
}

// plumbing runs a transaction and asks nobody: what it reaches is no decision of
// the operation that it carries.
var plumbing = []string{"view", "update", "told"}

func reaches(calls map[string][]string, name string, seen map[string]bool) bool {
	if slices.Contains(judges, name) {
		return true
	}
	if seen[name] || slices.Contains(plumbing, name) {
		return false
	}
	seen[name] = true
	return slices.ContainsFunc(calls[name], func(n string) bool { return reaches(calls, n, seen) })
}

func TestOneGate(t *testing.T) {
	all := sources(t)
	for _, b := range gateBreaks(all["store"]) {
		t.Error("store: " + b)
	}
	for dir, files := range all {
		for _, b := range entryBreaks(dir, files) {
			t.Error(b)
		}
	}
	t.Run("planted breaches are seen", func(t *testing.T) {
		for _, src := range []string{
			`func (tx *Tx) peek(n int) { tx.r.Get(entryKey(n, "x")) }`,
			`func (tx *Tx) bytes(e *Entry) { tx.st.blobs.Open(e.ref) }`,
			`func (s *Session) Raw() { g := grant{tx, opOpen, 1, 0}; _ = g }`,
			`func (s *Session) Peek() { s.view(func(tx *Tx) error { return nil }) }`,
			`func (s *Session) Poke() { s.update(ctx, func(tx *Tx) error { return nil }) }`,
		} {
			f, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package store\n"+src, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(gateBreaks(append(slices.Clone(all["store"]), f))) == 0 {
				t.Errorf("went unseen: %s", src)
			}
		}
		f, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package dav\nfunc f(st *store.Store) { st.Login(store.Credential{}) }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(entryBreaks("dav", []*ast.File{f})) == 0 {
			t.Error("a login by dav went unseen")
		}
	})
}

// trailers are the names in package store by which policy and its audit trail are
// written, and the only functions that may use them.
var trailers = map[string][]string{
	"Apply":      {"change", "replay"},
	"keyEpoch":   {"keep", "loadPolicy", "between"},
	"keyAudit":   {"appendLine", "readHead"},
	"auditKey":   {"appendLine", "keptLine", "end"},
	"appendLine": {"record", "recordDelivered", "beginTrail", "deny"},
}

// trailBreaks: no policy is changed without its line, and no line is written
// without a change or a refusal.
func trailBreaks(files []*ast.File) (breaks []string) {
	for _, f := range files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			names := mentions(fn.Body)
			for name, may := range trailers {
				if slices.Contains(names, name) && !slices.Contains(may, fn.Name.Name) {
					breaks = append(breaks, fmt.Sprintf("%s uses %s past the audit trail", fn.Name.Name, name))
				}
			}
		}
	}
	return breaks
}

func TestOneTrail(t *testing.T) {
	files := sources(t)["store"]
	for _, b := range trailBreaks(files) {
		t.Error("store: " + b)
	}
	for _, src := range []string{
		`func (tx *Tx) quietly(c policy.Change) { tx.state, _, _ = tx.state.Apply(c) }`,
		`func (tx *Tx) forge() { tx.appendLine(&AuditLine{}) }`,
		`func (tx *Tx) forget() { tx.w.Delete(auditKey(1, 0)) }`,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "planted.go", "package store\n"+src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(trailBreaks([]*ast.File{f})) == 0 {
			t.Errorf("went unseen: %s", src)
		}
	}
}

// entryBreaks: only auth makes sessions, and only those who serve an operator
// ask for his.
func entryBreaks(dir string, files []*ast.File) (breaks []string) {
	may := map[string][]string{
		"Login":    {"auth"},
		"Operator": {"store", "admin", "cmd/davit", "dav/davtest"},
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if dirs, guarded := may[sel.Sel.Name]; guarded && !slices.Contains(dirs, dir) {
					breaks = append(breaks, fmt.Sprintf("%s calls %s", dir, sel.Sel.Name))
				}
			}
			return true
		})
	}
	return breaks
}
