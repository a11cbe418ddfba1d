package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPeersWork runs every workload on each installed server. Listings of all
// that is below are refused by two of them, and Apache's locks get in each
// other's way.
func TestPeersWork(t *testing.T) {
	cannot := map[string][]string{"apache": {"LOCK", "office turn"}, "nginx": {"PROPFIND depth infinity"}, "lighttpd": {"PROPFIND depth infinity"}}
	for i := range peers {
		p := &peers[i]
		t.Run(p.name, func(t *testing.T) {
			if err := p.missing(); err != nil {
				t.Skip(err)
			}
			s := newPeer(p, filepath.Join(memoryDir(t), p.name))
			if err := s.start(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.child.stop(); err != nil {
					t.Error(err)
				}
			}()
			workAll(t, s, cannot[p.name]...)
			if own, err := ownMemory(s.child.pid()); err != nil || own == 0 {
				t.Errorf("own memory %d, %v", own, err)
			}
		})
	}
}

// workAll runs the workloads, of which those with one of the prefixes may go wrong.
func workAll(t *testing.T, s *server, may ...string) {
	t.Helper()
	si, err := newSite(s, tiny)
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{dir: memoryDir(t), scale: tiny, rounds: 1, progress: io.Discard}
	for _, w := range workloads(tiny) {
		r, err := m.compare(t.Context(), w, []*site{si})
		if err != nil {
			t.Fatal(err)
		}
		rec := r.records[0]
		cannot := slices.ContainsFunc(may, func(prefix string) bool { return strings.HasPrefix(w.name, prefix) })
		if (rec.failed != nil || rec.wrong > 0) && !cannot {
			t.Errorf("%s: %v, %d wrong answers, first: %s", w.name, rec.failed, rec.wrong, rec.example)
		}
	}
}

func TestPeersNamed(t *testing.T) {
	for list, want := range map[string]int{"none": 0, "apache": 1, "nginx,lighttpd": 2} {
		if got, err := fileContest.peersNamed(list); len(got) != want || err != nil {
			t.Errorf("%s: %d servers, %v", list, len(got), err)
		}
	}
}

func TestAbsentPeersAreNamed(t *testing.T) {
	here, absent := installed([]*peer{{name: "ghost", program: "no-such-daemon"}})
	if len(here) != 0 || len(absent) != 1 || absent[0] != "ghost (no-such-daemon is not installed)" {
		t.Errorf("%v, %q", here, absent)
	}
}
