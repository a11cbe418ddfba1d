package zone_test

import (
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// What a zone says of itself means the same as the zone, for the years it was asked for
// and, where nothing new is decided, for those behind them.
func TestComponentMeansTheZone(t *testing.T) {
	t.Parallel()
	at := func(year int) zone.Instant { return zone.At(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }
	for _, row := range []struct {
		name    string
		rules   int // that go on every year
		forever bool
	}{
		{"Europe/Berlin", 2, true}, {"America/New_York", 2, true}, {"Australia/Sydney", 2, true}, {"America/Santiago", 0, false}, {"Africa/Casablanca", 0, false},
		{"Asia/Kolkata", 0, true}, {"Europe/Istanbul", 0, true}, {"America/Nuuk", 0, false}, {"Asia/Kathmandu", 0, true}, {"UTC", 0, true}, {"Europe/Dublin", 2, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			z, err := zone.Named(row.name)
			if err != nil {
				t.Fatal(err)
			}
			text := string(z.AppendComponent(nil, "Some name", at(2015), at(2037)))
			if n := strings.Count(text, "RRULE"); row.rules > 0 && n != row.rules {
				t.Errorf("%d rules in\n%s", n, text)
			}
			if len(text) > 6000 {
				t.Errorf("%d bytes", len(text))
			}
			obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\r\n" + text + "END:VCALENDAR\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			own, err := zone.New(obj).Find("Some name")
			if err != nil {
				t.Fatal(err)
			}
			end := at(2037)
			if row.forever {
				end = at(2060)
			}
			for i := at(2015); i < end; i += 1800 {
				if own.Wall(i) != z.Wall(i) {
					t.Fatalf("at %v it shows %d instead of %d:\n%s", i.Time(), own.Wall(i), z.Wall(i), text)
				}
			}
		})
	}
}
