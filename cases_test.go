package davit_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v3"

	"davit/dav/davtest"
)

const (
	// casesFile are the worked policy cases; its header describes the format.
	casesFile = "testdata/policy-cases.yaml"
	// pendingFile lists the cases of casesFile that do not pass yet: "id: reason".
	pendingFile = "testdata/policy-cases.pending"
	// casesVariable names further files of cases.
	casesVariable = "DAVIT_CASES"
	casesFormat   = "davit-policy-cases/1"
)

// A caseFile is a world and the cases that start from it.
type caseFile struct {
	Format string       `yaml:"format"`
	World  world        `yaml:"world"`
	Cases  []policyCase `yaml:"cases"`
}

type policyCase struct {
	ID    string `yaml:"id"`
	Title string `yaml:"t"`
	Run   string `yaml:"run"`
	Steps []step `yaml:"steps"`
}

// A step has one of the first group; By goes with Set, and Want with most.
type step struct {
	Set     *set      `yaml:"set"`
	Can     *can      `yaml:"can"`
	Do      *do       `yaml:"do"`
	Par     []step    `yaml:"par"`
	Matrix  *matrix   `yaml:"matrix"`
	WhatIf  *set      `yaml:"whatif"`
	Explain *explain  `yaml:"explain"`
	Later   *int64    `yaml:"later"`
	Crash   *bool     `yaml:"crash"`
	By      string    `yaml:"by"`
	Want    yaml.Node `yaml:"want"`
}

// TestPolicyCases runs the worked policy cases, each against a server of its own.
func TestPolicyCases(t *testing.T) {
	var sum tally
	t.Cleanup(func() { t.Log(sum.String()) }) // when all parallel cases are over
	runCases(t, casesFile, &sum, true)
	for _, file := range filepath.SplitList(os.Getenv(casesVariable)) {
		runCases(t, file, &sum, false)
	}
}

// runCases runs a file. The list of pending cases is about the house's own file:
// of another one it says no more than which failures are known.
func runCases(t *testing.T, file string, sum *tally, own bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := readCases(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	pending := readPending(t)
	for id := range pending {
		if own && !slices.ContainsFunc(cases.Cases, func(c policyCase) bool { return c.ID == id }) {
			t.Errorf("%s lists %s, which is no case", pendingFile, id)
		}
	}
	from := build(t, &cases.World)
	for _, c := range cases.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			reason, listed := pending[c.ID]
			switch text, fails := sum.judge(c.play(t, from), verdict{own, listed, reason}); {
			case fails:
				t.Errorf("%s (%s): %s", c.ID, c.Title, text)
			case text != "":
				t.Skipf("%s (%s): %s", c.ID, c.Title, text)
			}
		})
	}
}

func readCases(text []byte) (*caseFile, error) {
	var f caseFile
	if err := strictly(text, &f); err != nil {
		return nil, err
	}
	if f.Format != casesFormat {
		return nil, fmt.Errorf("format %q instead of %q", f.Format, casesFormat)
	}
	for _, c := range f.Cases {
		if c.ID == "" || !slices.Contains([]string{"pure", "http", "mixed"}, c.Run) {
			return nil, fmt.Errorf("case %q runs %q; use pure, http or mixed", c.ID, c.Run)
		}
	}
	return &f, nil
}

// strictly decodes YAML; a key that v lacks is an error.
func strictly(text []byte, v any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return d.Decode(v)
}

// wants decodes the want of a step, when there is one.
func (s *step) wants(v any) error {
	if s.Want.IsZero() {
		return nil
	}
	text, err := yaml.Marshal(&s.Want)
	if err != nil {
		return err
	}
	if err := strictly(text, v); err != nil {
		return fmt.Errorf("want: %w", err)
	}
	return nil
}

func readPending(t *testing.T) map[string]string {
	f, err := os.Open(pendingFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, ok := strings.Cut(line, ": ")
		if _, twice := list[id]; !ok || reason == "" || twice {
			t.Errorf("%s: %q is no \"id: reason\" of its own", pendingFile, line)
		}
		list[id] = reason
	}
	return list
}

// notYet names what a step needs and the code base cannot express.
type notYet string

func (n notYet) Error() string { return "not there yet: " + string(n) }

// A verdict is what the list of pending cases says of a case.
type verdict struct {
	own, listed bool
	reason      string
}

// A tally counts the cases for the line at the end.
type tally struct {
	sync.Mutex
	total, passed, left int
	missing             map[notYet]int
}

// judge counts the outcome of a case and holds it against what was expected: the
// case fails, is skipped for the reason in text, or passes without any.
func (s *tally) judge(err error, v verdict) (text string, fails bool) {
	s.Lock()
	defer s.Unlock()
	s.total++
	var missing notYet
	switch isMissing := errors.As(err, &missing); {
	case err == nil && v.own && v.listed:
		s.passed++
		return "passes: take it out of " + pendingFile, true
	case err == nil:
		s.passed++
		return "", false
	case isMissing && (v.listed || !v.own):
		s.left++
		if s.missing == nil {
			s.missing = map[notYet]int{}
		}
		s.missing[missing]++
		return err.Error(), false
	case v.listed:
		s.left++
		return v.reason + ": " + err.Error(), false
	}
	return err.Error(), true
}

func (s *tally) String() string {
	s.Lock()
	defer s.Unlock()
	var names []string
	k := 0
	for _, m := range slices.Sorted(maps.Keys(s.missing)) {
		names = append(names, fmt.Sprintf("%s %d", string(m), s.missing[m]))
		k += s.missing[m]
	}
	return fmt.Sprintf("policy cases: %d ran, %d passed, %d skipped (%d not there yet: %s)",
		s.total, s.passed, s.left, k, strings.Join(names, ", "))
}

// A recorder is the testing.TB of one case: a failure of the server or of a step
// is part of the case's outcome and no failure of the test yet.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []error
	cleanups []func()
	failed   atomic.Bool
}

func (r *recorder) Errorf(format string, a ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Errorf(format, a...))
	r.failed.Store(true)
}

func (r *recorder) Error(a ...any)                 { r.Errorf("%s", fmt.Sprint(a...)) }
func (r *recorder) Fail()                          { r.Errorf("failed") }
func (r *recorder) Failed() bool                   { return r.failed.Load() }
func (r *recorder) FailNow()                       { r.Fail(); runtime.Goexit() }
func (r *recorder) Fatal(a ...any)                 { r.Error(a...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, a ...any) { r.Errorf(format, a...); runtime.Goexit() }

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// watch runs f, then what it wants cleaned up, and gathers all that failed. A
// Fatal ends f alone.
func watch(t testing.TB, f func(testing.TB) error) error {
	r := &recorder{TB: t}
	alone := func(f func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		<-done
	}
	var err error
	alone(func() { err = f(r) })
	for _, clean := range slices.Backward(r.cleanups) {
		alone(clean)
	}
	return errors.Join(append([]error{err}, r.failures...)...)
}

// play runs the steps of the case in a copy of the world.
func (c *policyCase) play(t *testing.T, from *template) error {
	dir, err := from.copy()
	if err != nil {
		return err
	}
	defer from.giveBack(dir)
	return watch(t, func(t testing.TB) error {
		r := newRun(t, from)
		r.server = davtest.Open(t, dir, r.options())
		if err := r.plant(r.lacking(c.Steps)...); err != nil {
			return fmt.Errorf("make what the case names: %w", err)
		}
		r.first = r.server.Store.Policy().Epoch
		for i := range c.Steps {
			if err := r.step(&c.Steps[i]); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		return nil
	})
}

// step does one step.
func (r *run) step(s *step) error {
	kinds := []struct {
		there bool
		run   func(*step) error
	}{
		{s.Set != nil, r.set}, {s.Can != nil, r.can}, {s.Do != nil, r.do}, {s.Par != nil, r.par},
		{s.Matrix != nil, r.matrix}, {s.WhatIf != nil, r.whatIf}, {s.Explain != nil, r.explain},
		{s.Later != nil, r.later}, {s.Crash != nil, r.crash},
	}
	var one func(*step) error
	for _, k := range kinds {
		if k.there && one != nil {
			return errors.New("a step of two kinds")
		}
		if k.there {
			one = k.run
		}
	}
	switch {
	case one == nil:
		return errors.New("a step of no kind")
	case s.By != "" && s.Set == nil:
		return errors.New("by goes with set")
	}
	return one(s)
}

func (r *run) later(s *step) error {
	r.clock.Add(*s.Later)
	return nil
}

func (r *run) crash(s *step) error {
	if !*s.Crash {
		return nil
	}
	r.server.Crash(r.options())
	return nil
}

// words is a list that may be written as one text.
type words []string

func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

func (w words) String() string { return strings.Join(w, ",") }
