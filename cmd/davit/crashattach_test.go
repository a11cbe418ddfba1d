package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"testing"
)

const (
	// crashAttachers attach files at the same time, each to an event of its own.
	crashAttachers = 8
	// crashAttachedMax is how many requests are answered at most before a kill.
	crashAttachedMax = 60
	// crashAttachRounds take about ten seconds.
	crashAttachRounds = 20
)

// TestCrashAttachments kills the server again and again while people attach files to
// events, put others in their place and take them away. The event names what it has,
// and has what was acknowledged, whole. DAVIT_CRASH_SEED repeats a run as far as the
// scheduling of processes does.
func TestCrashAttachments(t *testing.T) {
	rounds := crashAttachRounds
	if testing.Short() {
		rounds = 2
	}
	seed := fromEnv(t, "DAVIT_CRASH_SEED", rand.Uint64())
	t.Logf("run again with: DAVIT_CRASH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	v := newVictim(t, crashAttachers)
	v.start()
	var attachers []*crashAttacher
	var steps []func() bool
	for i := range crashAttachers {
		a := &crashAttacher{v: v, path: fmt.Sprintf("/caldav/mia/calendar/%d.ics", i), rand: rand.New(rand.NewPCG(r.Uint64(), 0)), has: map[string][]byte{}}
		event := fmt.Sprintf(eventBody, fmt.Sprint(i), "Plan", "")
		if resp, _, err := v.send("PUT", a.path, []byte(event), "Content-Type", "text/calendar"); err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %v, %v", a.path, resp, err)
		}
		attachers, steps = append(attachers, a), append(steps, a.step)
	}
	answers, cutOff := 0, 0
	for round := range rounds {
		answers += v.killAmid(r.Int64N(crashAttachedMax), steps)
		v.start()
		v.noTemps()
		for _, a := range attachers {
			if a.under != "" {
				cutOff++
			}
			a.verify()
		}
		v.davit("check")
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	if cutOff == 0 && !testing.Short() {
		t.Error("no kill met a request under way: the test shows nothing")
	}
	t.Logf("%d answers, %d requests cut off by %d kills", answers, cutOff, rounds)
}

// A crashAttacher attaches files to one event.
type crashAttacher struct {
	v       *victim
	path    string
	rand    *rand.Rand
	has     map[string][]byte // what the event has, by ids
	under   string            // the action under way
	gone    string            // the id that it takes away
	content []byte            // what it brings
}

// step sends one request, and answers false when it was cut off.
func (a *crashAttacher) step() bool {
	a.under, a.gone, a.content = "attachment-add", "", nil
	query := ""
	if len(a.has) > 0 && a.rand.IntN(3) > 0 {
		for a.gone = range a.has {
			break
		}
		a.under = []string{"attachment-update", "attachment-remove"}[a.rand.IntN(2)]
		query = "&managed-id=" + a.gone
	}
	if a.under != "attachment-remove" {
		a.content = crashBody{a.rand.IntN(1 << 30), 1 + a.rand.IntN(50_000)}.bytes()
	}
	resp, _, err := a.v.send("POST", a.path+"?action="+a.under+query, a.content, "Content-Type", "text/plain")
	if err != nil {
		return false
	}
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusNoContent {
		a.v.t.Errorf("%s of %s: %d", a.under, a.path, resp.StatusCode)
		return false
	}
	a.done(resp.Header.Get("Cal-Managed-ID"))
	return true
}

// done: what was under way is done, and brought something under an id.
func (a *crashAttacher) done(id string) {
	delete(a.has, a.gone)
	if a.content != nil {
		a.has[id] = a.content
	}
	a.under = ""
}

var namedAttachment = regexp.MustCompile(`MANAGED-ID=([A-Z2-7]+)`)

// verify asks a server that has just started what the event has, and holds that to what
// was answered before.
func (a *crashAttacher) verify() {
	resp, event, err := a.v.send("GET", a.path, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.v.t.Errorf("%s is gone: %v, %v", a.path, resp, err)
		return
	}
	var named []string
	for _, m := range namedAttachment.FindAllSubmatch(bytes.ReplaceAll(event, []byte("\r\n "), nil), -1) {
		named = append(named, string(m[1]))
	}
	news := slices.DeleteFunc(slices.Clone(named), func(id string) bool { return a.has[id] != nil })
	if done := len(news) == 1 || a.under == "attachment-remove" && !slices.Contains(named, a.gone); a.under != "" && done {
		a.done(append(news, "")[0])
	}
	a.under = ""
	if len(named) != len(a.has) {
		a.v.t.Errorf("%s names %q and has %d", a.path, named, len(a.has))
	}
	for id, want := range a.has {
		resp, content, err := a.v.send("GET", "/caldav/.attachments/"+id, nil)
		if err != nil || !slices.Contains(named, id) || !bytes.Equal(content, want) {
			a.v.t.Errorf("%s: attachment %s: %v with %d bytes, want %d (%v)", a.path, id, resp, len(content), len(want), err)
		}
	}
}
