package dav_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// questions is how many the table of docs/protocol.md has.
const questions = 26

var (
	questionRow = regexp.MustCompile(`^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	testNamed   = regexp.MustCompile("`(Test[A-Z]\\w*)`")
)

// TestBehaviours holds the tables of docs/protocol.md to the tests: each question
// has one, and every test that the page names is there.
func TestBehaviours(t *testing.T) {
	page, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	here, all := testsIn(t, "*_test.go"), testsIn(t, "../*_test.go", "../*/*_test.go", "../*/*/*_test.go")
	asked := 0
	for line := range strings.Lines(string(page)) {
		row := questionRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		if asked++; row[1] != strconv.Itoa(asked) {
			t.Errorf("question %s stands where %d should", row[1], asked)
		}
		tests := testNamed.FindAllStringSubmatch(row[4], -1)
		if len(tests) == 0 {
			t.Errorf("no test shows: %s", row[2])
		}
		for _, name := range tests {
			if !slices.Contains(here, name[1]) {
				t.Errorf("question %s: there is no %s", row[1], name[1])
			}
		}
	}
	if asked != questions {
		t.Errorf("the page has %d questions instead of %d", asked, questions)
	}
	for _, name := range testNamed.FindAllStringSubmatch(string(page), -1) {
		if !slices.Contains(all, name[1]) {
			t.Errorf("the page names %s, which there is not", name[1])
		}
	}
}

// testsIn lists the tests in files of some patterns.
func testsIn(t *testing.T, patterns ...string) (names []string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", pattern, err)
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
					names = append(names, fn.Name.Name)
				}
			}
		}
	}
	return names
}

// A drive's window shows the room of whatever collection was mounted, also of
// those that only lead to others: they tell that of the asker's own drive.
func TestQuotaOnEveryCollection(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=viewer")
	s.Quota("~mia", 1000)
	s.Quota("/Team", 5000)
	tree(t, s.As("mia"), "/dav/home/folder/", "/dav/Team/folder/")
	s.Share("mia", "~mia/folder", "user:max", "level:viewer")
	for path, limit := range map[string]policy.Limit{
		"/": 1000, "/dav": 1000, "/dav/": 1000, "/dav/shared/": 1000, "/dav/home": 1000, "/dav/home/folder/": 1000,
		"/dav/Team": 5000, "/dav/Team/folder": 5000,
	} {
		wantUsage(t, s.As("mia"), path, 0, int(limit))
	}
	wantUsage(t, s.As("max"), "/dav/shared/mia/folder/", 0, 1000)
	wantUsage(t, s.As("max"), "/dav/Team/folder/", 0, 5000)
}
