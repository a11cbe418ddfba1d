package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
)

const (
	// crashSenders upload at the same time, over several requests each. What a kill
	// cuts off at its beginning counts against its account, which may have 64 of them.
	crashSenders = 8
	// crashPartsMax is how many requests are answered at most before a kill.
	crashPartsMax = 60
	// crashPartSize is the largest part, in bytes.
	crashPartSize = 100_000
	// crashUploadRounds take about ten seconds.
	crashUploadRounds = 20
)

// TestCrashUploads kills the server again and again while people upload over
// several requests. What they were told to be kept is, what they were told to be
// stored stands there, the file is its old or its new content whole, and everybody
// goes on where the server says. DAVIT_CRASH_SEED repeats a run as far as the
// scheduling of processes does.
func TestCrashUploads(t *testing.T) {
	rounds := crashUploadRounds
	if testing.Short() {
		rounds = 2
	}
	seed := fromEnv(t, "DAVIT_CRASH_SEED", rand.Uint64())
	t.Logf("run again with: DAVIT_CRASH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	v := newVictim(t, crashSenders)
	var senders []*crashSender
	var steps []func() bool
	for i := range crashSenders {
		s := &crashSender{v: v, path: fmt.Sprintf("/dav/Team/%d", i), rand: rand.New(rand.NewPCG(r.Uint64(), 0))}
		s.next()
		senders, steps = append(senders, s), append(steps, s.step)
	}
	v.start()
	answers, stored := 0, 0
	for round := range rounds {
		answers += v.killAmid(r.Int64N(crashPartsMax), steps)
		v.start()
		v.noTemps()
		for _, s := range senders {
			s.verify()
		}
		v.davit("check")
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	for _, s := range senders {
		stored += s.stored
	}
	if stored == 0 && !testing.Short() {
		t.Error("no upload came to its end: the test shows nothing")
	}
	t.Logf("%d answers, %d files stored, %d kills", answers, stored, rounds)
}

// A crashSender writes one file again and again, each time over several requests.
type crashSender struct {
	v       *victim
	path    string
	rand    *rand.Rand
	was     []byte // what the file holds until this upload is complete; nil: there is none
	content []byte
	url     string // of the upload, once its beginning was answered
	told    int    // bytes that are kept, as far as anybody said
	asked   int    // bytes that the server has been sent
	stored  int    // uploads that came to their end
}

// next begins with another content.
func (s *crashSender) next() {
	s.content = crashBody{s.rand.IntN(1 << 30), 1 + s.rand.IntN(4*crashPartSize)}.bytes()
	s.url, s.told, s.asked = "", 0, 0
}

// step sends one request, and answers false when it was cut off.
func (s *crashSender) step() bool {
	if s.url == "" {
		resp, _, err := s.v.send("PUT", s.path, nil, "Upload-Complete", "?0", "Upload-Length", strconv.Itoa(len(s.content)))
		if err != nil {
			return false
		}
		s.url = resp.Header.Get("Location")
		if resp.StatusCode != http.StatusCreated || s.url == "" {
			s.v.t.Errorf("beginning of %s: %d", s.path, resp.StatusCode)
		}
		return true
	}
	s.asked = min(len(s.content), s.told+1+s.rand.IntN(crashPartSize))
	complete := map[bool]string{true: "?1", false: "?0"}[s.asked == len(s.content)]
	resp, _, err := s.v.send("PATCH", s.url, s.content[s.told:s.asked],
		"Content-Type", "application/partial-upload", "Upload-Offset", strconv.Itoa(s.told), "Upload-Complete", complete)
	switch {
	case err != nil:
		return false
	case resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusCreated:
		s.v.t.Errorf("part of %s: %d", s.path, resp.StatusCode)
		return false
	case s.asked == len(s.content):
		s.done()
	default:
		s.told = s.asked
	}
	return true
}

// done: the file has the content.
func (s *crashSender) done() {
	s.was = s.content
	s.stored++
	s.next()
}

// verify asks a server that has just started how far the upload is, and holds it and
// the file to what was answered before.
func (s *crashSender) verify() {
	if s.url != "" {
		resp, _, err := s.v.send("HEAD", s.url, nil)
		if err != nil || resp.StatusCode != http.StatusNoContent {
			s.v.t.Errorf("%s: the upload is gone: %+v, %v", s.path, resp, err)
			return
		}
		at, err := strconv.Atoi(resp.Header.Get("Upload-Offset"))
		if err != nil || at < s.told || at > max(s.told, s.asked) {
			s.v.t.Errorf("%s: %d bytes are kept, of %d that were told and %d that were sent", s.path, at, s.told, s.asked)
		}
		if s.told = at; resp.Header.Get("Upload-Complete") == "?1" {
			s.done()
		}
	}
	resp, content, err := s.v.send("GET", s.path, nil)
	switch {
	case err != nil:
		s.v.t.Errorf("%s: %v", s.path, err)
	case s.was == nil && resp.StatusCode != http.StatusNotFound, s.was != nil && !bytes.Equal(content, s.was):
		s.v.t.Errorf("%s: %d with %d bytes, want %d", s.path, resp.StatusCode, len(content), len(s.was))
	}
}
