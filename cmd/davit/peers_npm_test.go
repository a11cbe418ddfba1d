package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// npmFolder is where testdata/peers/install.sh puts what comes from npm, below the
// user's cache.
const npmFolder = "davit-peers/node_modules"

// npmPackage is the folder of a package from npm.
func npmPackage(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("there is no cache to look in: %v", err)
	}
	library := filepath.Join(cache, npmFolder, name)
	if _, err := os.Stat(library); err != nil {
		t.Skipf("the npm package %s is not installed: %v", name, err)
	}
	return library
}

// npmWebdav drives the client library that most programs on Node use.
func npmWebdav(t *testing.T, s *site) {
	library := npmPackage(t, "webdav")
	max := s.colleague(t)
	s.operate(t, "quota", "set", "/Team", "10MB")
	out := s.run(t, clientCommand{name: "node", args: []string{"../../testdata/peers/webdav.mjs", library, s.url + "/dav/Team", s.user, s.password}})
	var learnt struct {
		Made, Overwritten, Same, Missing bool
		Refused, Quota                   int
		Timeout, Part                    string
		Listing                          []string
	}
	if err := json.Unmarshal([]byte(out), &learnt); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	listing := []string{"/npm/deep2 directory 0", "/npm/deep2/er directory 0", "/npm/deep2/er/copy #1.bin file 300000", "/npm/moved.bin file 300000"}
	if !learnt.Made || learnt.Overwritten || !learnt.Same || learnt.Missing || learnt.Refused != 423 ||
		learnt.Timeout != "Second-3600" || learnt.Part != "npm npm " || !slices.Equal(learnt.Listing, listing) {
		t.Errorf("it learnt\n%s", out)
	}
	if free := 10_000_000 - 4*300_000; learnt.Quota < free || learnt.Quota > 10_000_000-2*300_000 {
		t.Errorf("%d bytes are free", learnt.Quota)
	}
	content := strings.Repeat("npm ", 75_000)
	max.wantNames(t, "/dav/Team/npm/", "deep2", "moved.bin")
	max.wantContent(t, "/dav/Team/npm/moved.bin", content)
	max.wantContent(t, "/dav/Team/npm/deep2/er/copy%20%231.bin", content)
}
