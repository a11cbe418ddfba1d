package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// litmusSuites is every test of litmus 0.13: 104 in all.
var litmusSuites = []struct {
	name  string
	tests int
}{{"basic", 16}, {"copymove", 13}, {"props", 30}, {"locks", 41}, {"http", 4}}

// debugTail is how much of litmus's record of the traffic is worth printing.
const debugTail = 8 << 10

// litmus passes all its tests, in a personal drive and in a group folder,
// without a warning.
func litmus(t *testing.T, s *site) {
	for _, folder := range []string{"/dav/home/", "/dav/Team/"} {
		for _, suite := range litmusSuites {
			dir := t.TempDir()
			out, err := s.try(t, clientCommand{
				name: "litmus", args: []string{"-k", s.url + folder, s.user, s.password},
				env: []string{"TESTS=" + suite.name}, dir: dir,
			})
			passed := fmt.Sprintf("of %d tests run: %d passed, 0 failed", suite.tests, suite.tests)
			if err == nil && strings.Contains(out, passed) && !strings.Contains(out, "WARNING") {
				continue
			}
			record, _ := os.ReadFile(filepath.Join(dir, "debug.log"))
			record = record[max(0, len(record)-debugTail):]
			t.Errorf("litmus %s in %s: %v\n%s\n%s", suite.name, folder, err, out, record)
		}
	}
}
