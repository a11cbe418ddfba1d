package policy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests of this file test the tests: they build this package again and run
// what compares it with the model. They take minutes and run when asked:
//
//	go test ./policy -run 'TestMutants|TestBranches' -proof
var proof = flag.Bool("proof", false, "plant bugs and measure which branches the model test reaches")

// A mutant is a bug: one text of a file that another takes the place of.
type mutant struct {
	breaks     string // what it breaks
	file       string
	old, wrong string
}

// suite is what has to notice a list of bugs.
type suite struct {
	name    string
	mutants []mutant
	args    []string
}

var suites = []suite{
	{"deciding", decisionMutants, []string{"-test.run", "^(TestModel|TestLoad)$"}},
	{"governing", governMutants, []string{"-courts", "150", "-test.run", "^(TestNobody.*|TestAttacks|TestRanks|TestCredentials.*|TestBadPlaces|TestSelfGrantEnds|TestOwnAccountStays|TestSharesKeepTheirAge|TestApplyRefuses)$"}},
}

// mutantTime is how long the tests may take with a bug; one that hangs them is
// noticed.
const mutantTime = 5 * time.Minute

// TestMutants plants one bug at a time into a copy of the package: all have to be
// noticed.
func TestMutants(t *testing.T) {
	if !*proof {
		t.Skip("plants bugs when asked with -proof")
	}
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			if out, err := s.run(t, filepath.Join(t.TempDir(), "right"), nil); err != nil {
				t.Fatalf("the tests fail without a bug: %v\n%s", err, out)
			}
			var wait sync.WaitGroup
			slots := make(chan struct{}, runtime.GOMAXPROCS(0))
			for i, m := range s.mutants {
				dir := filepath.Join(t.TempDir(), strconv.Itoa(i))
				wait.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					s.try(t, dir, m)
				})
			}
			wait.Wait()
			t.Logf("%d bugs planted", len(s.mutants))
		})
	}
}

// TestMutantsFit: every bug still has its place, so that nobody finds out only when
// the proof is asked for.
func TestMutantsFit(t *testing.T) {
	for _, s := range suites {
		for _, m := range s.mutants {
			if _, err := m.planted(); err != nil {
				t.Errorf("%s: %v", m.breaks, err)
			}
		}
	}
}

// planted is the file with the bug in it.
func (m mutant) planted() (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%q stands %d times in %s: bring the bug up to date", m.old, n, m.file)
	}
	return strings.Replace(string(source), m.old, m.wrong, 1), nil
}

// try plants one bug and reports when nothing fails.
func (s suite) try(t *testing.T, dir string, m mutant) {
	planted, err := m.planted()
	if err != nil {
		t.Errorf("%s: %v", m.breaks, err)
		return
	}
	out, err := s.run(t, dir, map[string]string{m.file: planted})
	switch {
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "does not build"):
		t.Errorf("%s: does not compile:\n%s", m.breaks, out)
	case err == nil:
		t.Errorf("nobody noticed: %s (%s: %q)", m.breaks, m.file, m.wrong)
	}
}

// run builds the tests with files in the place of others and runs them.
func (s suite) run(t *testing.T, dir string, instead map[string]string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Error(err)
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, text := range instead {
		real, err := filepath.Abs(name)
		if err == nil {
			overlay.Replace[real] = filepath.Join(dir, name)
			err = os.WriteFile(overlay.Replace[real], []byte(text), 0o644)
		}
		if err != nil {
			t.Error(err)
			return "", err
		}
	}
	text, err := json.Marshal(overlay)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o644)
	}
	if err != nil {
		t.Error(err)
		return "", err
	}
	binary := filepath.Join(dir, "policy.test")
	defer os.RemoveAll(dir)
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "does not build: " + string(out), err
	}
	test := exec.CommandContext(t.Context(), binary, append([]string{"-test.timeout", mutantTime.String(), "-test.failfast"}, s.args...)...)
	out, err := test.CombinedOutput()
	return string(out), err
}

// decidePath are the functions that take part in a decision, by file; nil for all
// but those of besidePath.
var decidePath = map[string][]string{
	"decide.go":  nil,
	"share.go":   nil,
	"naming.go":  {"in", "count", "nth"},
	"places.go":  {"within", "before"},
	"entry.go":   {"under", "conditional"},
	"explain.go": {"pinned", "keepsManage", "readsAlways", "gift", "cut", "step", "Explain"},
}

// besidePath are the functions there that decide nothing.
var besidePath = map[string][]string{
	"decide.go": {"Allowed", "Denied", "Error"},      // what a caller makes of a decision
	"share.go":  {"Shares", "byShareID", "linkName"}, // lists and names
}

// unreached are the lines there that random worlds do not reach, and why.
var unreached = map[string]string{
	`return invalid("at most %d shares at one place`: "a thousand shares at one place are another test's",
	"case sh.Calendar: return invalid(":              "what is malformed is another test's",
}

// TestBranches measures what the model test alone reaches of the way of a
// decision: every branch, but for what is named with its reason.
func TestBranches(t *testing.T) {
	if !*proof {
		t.Skip("measures branches when asked with -proof")
	}
	profile := filepath.Join(t.TempDir(), "cover.out")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-run", "^TestModel$", "-coverprofile", profile, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	blocks, excused := 0, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		b, ok := parseBlock(line)
		if !ok || !b.decides(t) {
			continue
		}
		blocks++
		if b.count > 0 {
			continue
		}
		source := b.text(t)
		for text := range unreached {
			if strings.Contains(source, text) {
				excused[text] = true
				source = ""
			}
		}
		if source == "" {
			continue
		}
		t.Errorf("%s:%d is not reached: %s", b.file, b.from, source)
	}
	t.Logf("%d blocks on the way of a decision, %d of them excused", blocks, len(excused))
	for text, why := range unreached {
		if !excused[text] {
			t.Errorf("%q is reached or gone, and still excused: %s", text, why)
		}
	}
	if blocks < 150 {
		t.Errorf("only %d blocks: the profile is of something else", blocks)
	}
}

// block is one line of a profile: statements of a file and how often they ran.
type block struct {
	file            string
	from, to, count int
}

// parseBlock reads "davit/policy/decide.go:82.2,84.11 2 1".
func parseBlock(line string) (b block, ok bool) {
	place, counts, ok := strings.Cut(strings.TrimSpace(line), " ")
	name, span, found := strings.Cut(place, ":")
	from, to, spans := strings.Cut(span, ",")
	fields := strings.Fields(counts)
	if !ok || !found || !spans || len(fields) != 2 {
		return b, false
	}
	b.file = filepath.Base(name)
	for text, into := range map[string]*int{from: &b.from, to: &b.to, fields[1]: &b.count} {
		number, _, _ := strings.Cut(text, ".")
		n, err := strconv.Atoi(number)
		if err != nil {
			return b, false
		}
		*into = n
	}
	return b, true
}

// decides tells whether the block takes part in a decision.
func (b block) decides(t *testing.T) bool {
	functions, is := decidePath[b.file]
	if !is {
		return false
	}
	if functions == nil {
		return !b.within(t, besidePath[b.file])
	}
	return b.within(t, functions)
}

// within tells whether the block is part of one of the functions.
func (b block) within(t *testing.T, functions []string) bool {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, b.file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && slices.Contains(functions, fn.Name.Name) && set.Position(fn.Pos()).Line <= b.from && b.to <= set.Position(fn.End()).Line
	})
}

// text is the first line of the block and the one before it.
func (b block) text(t *testing.T) string {
	source, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	return strings.TrimSpace(lines[b.from-1]) + " " + strings.TrimSpace(lines[min(b.from, len(lines)-1)])
}
