package caldav_test

import (
	"strings"
	"testing"

	"davit/caldav"
	"davit/dav/davtest"
)

func TestSplit(t *testing.T) {
	stream := "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=My/Zone:20260310T090000\nSUMMARY:long\n  er\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n" +
		"BEGIN:VTIMEZONE\nTZID:My/Zone\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n" +
		"BEGIN:VEVENT\nSUMMARY:nobody's\nDTSTART:20260310T090000Z\nEND:VEVENT\n" +
		"BEGIN:VTODO\nUID:b/c\nEND:VTODO\n" +
		"BEGIN:VEVENT\nUID:bad\nDTSTART:yesterday\nEND:VEVENT\n" +
		"BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;TZID=My/Zone:20260311T090000\nDTSTART;TZID=My/Zone:20260311T100000\nEND:VEVENT\nEND:VCALENDAR\n"
	parts := caldav.Split([]byte(stream))
	if len(parts) != 4 {
		t.Fatalf("%d parts: %+v", len(parts), parts)
	}
	a := string(parts[0].Body)
	if parts[0].Err != nil || parts[0].Line != 3 || strings.Count(a, "BEGIN:VEVENT") != 2 || strings.Count(a, "TZID:My/Zone") != 1 || !strings.Contains(a, "long\r\n  er\r\n") {
		t.Errorf("the first part, %v, of line %d:\n%s", parts[0].Err, parts[0].Line, a)
	}
	if parts[1].Err == nil || parts[1].Line != 18 {
		t.Errorf("an event without a UID: %+v", parts[1])
	}
	if parts[2].Err != nil || strings.Contains(string(parts[2].Body), "VTIMEZONE") || strings.Contains(parts[2].Name(), "/") {
		t.Errorf("a task: %v, %q, %s", parts[2].Err, parts[2].Name(), parts[2].Body)
	}
	if parts[3].Err == nil {
		t.Errorf("an event without a time: %s", parts[3].Body)
	}
}

// TestExportAndImport: what a calendar gives as one stream makes the same calendar
// again.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, uid := range []string{"a", "b", "c"} {
		put(mia, "/caldav/mia/calendar/"+uid+".ics", event(uid, "Event "+uid)).Want(t, 201)
	}
	for _, uid := range []string{"d", "e"} {
		body := strings.Replace(event(uid, "In the west", "DTSTART;TZID=West:20260310T090000"), "BEGIN:VEVENT", strings.ReplaceAll(westernZone, "\n", "\r\n")+"BEGIN:VEVENT", 1)
		put(mia, "/caldav/mia/calendar/"+uid+".ics", body).Want(t, 201)
	}
	stream := mia.Do("GET", "/caldav/mia/calendar/", "").Want(t, 200).Body
	if strings.Count(stream, "BEGIN:VTIMEZONE") != 1 || strings.Count(stream, "BEGIN:VEVENT") != 5 {
		t.Errorf("a stream has each zone once, and every event: %s", stream)
	}
	mia.Do("MKCALENDAR", "/caldav/mia/copy", "").Want(t, 201)
	for _, p := range caldav.Split([]byte(stream)) {
		if p.Err != nil {
			t.Errorf("%s: %v", p.UID, p.Err)
		}
		put(mia, "/caldav/mia/copy/"+p.Name(), string(p.Body)).Want(t, 201)
	}
	if again := mia.Do("GET", "/caldav/mia/copy/", "").Want(t, 200).Body; again != stream {
		t.Errorf("exported\n%s\nand then\n%s", stream, again)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=\"x:y\":20260310T090000\nEND:VEVENT\nEND:VCALENDAR\n")
	f.Add("END:X\nBEGIN:\n \n\tx")
	f.Fuzz(func(t *testing.T, stream string) {
		for _, p := range caldav.Split([]byte(stream)) {
			if p.Err == nil && len(caldav.Mask(p.Body)) == 0 {
				t.Errorf("an object that cannot be read: %q", p.Body)
			}
		}
	})
}
