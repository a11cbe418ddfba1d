package main

import (
	"encoding/json"
	"reflect"
	"testing"
)

// A libraryStory is what a library's script learnt as two people who share a
// calendar. What a library cannot do stays empty.
type libraryStory struct {
	Calendars []string // the names of mia's at first
	Made      string   // the path of the event in the calendar that she made
	Found     []string // what two days have
	Instances int      // of a series in March, expanded
	ByUID     []string
	Busy      int // periods of March
	Tasks     []string
	Done      []string // tasks, those that are done too
	Seen      []string // by max, in the calendar that she shares
	Changed   []string // by max, as she learns it from the sync token
	Gone      int      // what he removed
	Refused   int      // the status of her write over what he changed
	Left      []string // calendars, once the one that she made is removed
}

// wantStory holds what a script printed to a story.
func wantStory(t *testing.T, out string, want libraryStory) {
	t.Helper()
	var got libraryStory
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it learnt\n%+v instead of\n%+v\n%s", got, want, out)
	}
}

// pythonCaldav drives the library that most programs in Python use.
func pythonCaldav(t *testing.T, s *site) {
	if out, err := s.try(t, clientCommand{name: "/usr/bin/python3", args: []string{"-c", "import caldav"}}); err != nil {
		t.Skipf("the package caldav for Python is not installed: %v\n%s", err, out)
	}
	max, shared := s.sharedFrom(t, "calendar")
	names := []string{"Team", "calendar", "messages (Team)", "tasks"}
	wantStory(t, s.run(t, clientCommand{name: "/usr/bin/python3", args: []string{"../../testdata/peers/calendars.py", s.url, s.password}}), libraryStory{
		Calendars: names, Made: "/caldav/mia/trips/trip.ics",
		Found: []string{"Run", "Tea"}, Instances: 5, ByUID: []string{"Walk"}, Busy: 7,
		Tasks: []string{"Milk"}, Done: []string{"Bread", "Milk"},
		Seen: []string{"Run", "Tea", "Walk"}, Changed: []string{"Cake"}, Gone: 1, Left: names,
	})
	max.wantEvents(t, shared, "Cake", "Run")
}

// npmTsdav drives the library that programs on Node and in browsers use.
func npmTsdav(t *testing.T, s *site) {
	library := npmPackage(t, "tsdav")
	max, shared := s.sharedFrom(t, "calendar")
	names := []string{"Team", "calendar", "messages (Team)", "tasks"}
	wantStory(t, s.run(t, clientCommand{name: "node", args: []string{"../../testdata/peers/tsdav.mjs", library, s.url, s.password}}), libraryStory{
		Calendars: names, Made: "/caldav/mia/trips/trip.ics",
		Found: []string{"Run", "Tea"}, Instances: 5,
		Seen: []string{"Run", "Tea", "Walk"}, Changed: []string{"Cake"}, Gone: 1, Refused: 412,
	})
	max.wantEvents(t, shared, "Cake", "Run")
}
