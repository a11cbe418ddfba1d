package itip

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func party(name string) Party { return Party{"mailto:" + name + "@example.com"} }

// calendar is an object of components, each a list of lines.
func calendar(components ...[]string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n")
	for _, lines := range components {
		b.WriteString("BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

// invited are the lines of lena's meeting with these.
func invited(names ...string) []string {
	lines := []string{"SUMMARY:Plan", "ORGANIZER:mailto:lena@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:lena@example.com"}
	for _, n := range names {
		lines = append(lines, "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:"+n+"@example.com")
	}
	return lines
}

func with(lines []string, more ...string) []string { return append(slices.Clip(lines), more...) }

const (
	once   = "DTSTART:20260310T090000Z\r\nDTEND:20260310T100000Z"
	weekly = "DTSTART:20260310T090000Z\r\nDTEND:20260310T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=5"
	second = "RECURRENCE-ID:20260317T090000Z\r\nDTSTART:20260317T090000Z\r\nDTEND:20260317T100000Z"
)

func parse(t testing.TB, text string) *Object {
	t.Helper()
	if text == "" {
		return nil
	}
	o, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// told sums messages up: "REQUEST max", with the instances that they name.
func told(t testing.TB, messages []Message) (list []string) {
	for _, m := range messages {
		o := parse(t, string(m.Body))
		to, _, _ := strings.Cut(strings.TrimPrefix(m.To, "mailto:"), "@")
		line := string(m.Method) + " " + to
		for _, c := range o.parts() {
			if key := o.key(c); key != "" {
				line += " " + key
			}
		}
		list = append(list, line)
		if o.Method() != m.Method {
			t.Errorf("%s says %s", line, o.Method())
		}
	}
	return list
}

// What the organizer does is told to those whom it concerns. RFC 6638, section 3.2.1
func TestOrganize(t *testing.T) {
	t.Parallel()
	series := with(invited("mia", "max"), weekly)
	for name, row := range map[string]struct {
		old, new string
		told     []string
		has      []string // in what is kept; "!" for what is not
	}{
		"a new meeting": {"", calendar(with(invited("mia", "max"), once)), []string{"REQUEST mia", "REQUEST max"}, nil},
		"nothing new":   {calendar(with(invited("mia"), once)), calendar(with(invited("mia"), once, "X-COLOR:red")), nil, nil},
		"another alarm": {calendar(with(invited("mia"), once)), calendar(with(invited("mia"), once, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM")), nil, nil},
		"another time": {calendar(with(invited("mia"), once, "SEQUENCE:3")), strings.ReplaceAll(calendar(with(invited("mia"), strings.ReplaceAll(once, "T09", "T08"), "SEQUENCE:3")), "NEEDS-ACTION", "ACCEPTED"), []string{"REQUEST mia"},
			[]string{"SEQUENCE:4", "PARTSTAT=NEEDS-ACTION:mailto:mia"}},
		"another place":          {calendar(with(invited("mia"), once)), calendar(with(invited("mia"), once, "LOCATION:here")), []string{"REQUEST mia"}, []string{"!SEQUENCE"}},
		"one more":               {calendar(with(invited("mia"), once)), calendar(with(invited("mia", "max"), once)), []string{"REQUEST mia", "REQUEST max"}, nil},
		"one less":               {calendar(with(invited("mia", "max"), once)), calendar(with(invited("mia"), once)), []string{"REQUEST mia", "CANCEL max"}, nil},
		"deleted":                {calendar(with(invited("mia", "max"), once)), "", []string{"CANCEL mia", "CANCEL max"}, nil},
		"cancelled":              {calendar(with(invited("mia"), once)), calendar(with(invited("mia"), once, "STATUS:CANCELLED")), []string{"CANCEL mia"}, nil},
		"deleted when cancelled": {calendar(with(invited("mia"), once, "STATUS:CANCELLED")), "", nil, nil},
		"an instance left out":   {calendar(series), calendar(with(series, "EXDATE:20260317T090000Z")), []string{"CANCEL mia 20260317T090000Z", "CANCEL max 20260317T090000Z"}, nil},
		"an instance brought back": {calendar(with(series, "EXDATE:20260317T090000Z")), calendar(series),
			[]string{"REQUEST mia", "REQUEST max"}, nil},
		"an instance without max": {calendar(series), calendar(series, with(invited("mia"), second)),
			[]string{"REQUEST mia 20260317T090000Z", "CANCEL max 20260317T090000Z"}, nil},
		"an instance with zoe": {calendar(series), calendar(series, with(invited("mia", "max", "zoe"), second)),
			[]string{"REQUEST mia 20260317T090000Z", "REQUEST max 20260317T090000Z", "REQUEST zoe 20260317T090000Z"}, nil},
		"an instance cancelled": {calendar(series), calendar(series, with(invited("mia", "max"), second, "STATUS:CANCELLED")),
			[]string{"CANCEL mia 20260317T090000Z", "CANCEL max 20260317T090000Z"}, nil},
		"an instance moved": {calendar(series), calendar(series, with(invited("mia", "max"), strings.Replace(second, "DTSTART:20260317T09", "DTSTART:20260317T08", 1))),
			[]string{"REQUEST mia 20260317T090000Z", "REQUEST max 20260317T090000Z"}, []string{"SEQUENCE:1"}},
		"the client sends": {"", calendar(with(invited(), once, "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:mia@example.com", "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:max@example.com")), nil, nil},
		"asked again": {calendar(with(invited("mia"), once)), strings.Replace(calendar(with(invited("mia"), once)), "ATTENDEE;PARTSTAT=NEEDS-ACTION", "ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST", 1),
			[]string{"REQUEST mia"}, []string{"!FORCE-SEND"}},
		"nobody's":    {"", calendar([]string{once}), nil, nil},
		"only myself": {"", calendar(with(invited(), once)), nil, nil},
	} {
		out, err := Change{Old: parse(t, row.old), New: parse(t, row.new), Owner: party("lena"), Now: now}.Send()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(t, out.Messages); !slices.Equal(got, row.told) {
			t.Errorf("%s: told %q instead of %q", name, got, row.told)
		}
		if out.Object != nil {
			holds(t, name, string(out.Object.Bytes()), row.has...)
		}
		for _, m := range out.Messages {
			holds(t, name, string(m.Body), "!SCHEDULE-", "!VALARM", "DTSTAMP:20260301T120000Z")
		}
	}
}

func holds(t testing.TB, name, text string, wanted ...string) {
	t.Helper()
	plain := strings.ReplaceAll(text, "\r\n ", "")
	for _, w := range wanted {
		if without, not := strings.CutPrefix(w, "!"); not == strings.Contains(plain, strings.TrimPrefix(w, "!")) {
			t.Errorf("%s: %q in\n%s", name, cmpText(not, without, w), plain)
		}
	}
}

func cmpText(not bool, without, w string) string {
	if not {
		return without + " should not be"
	}
	return w + " should be"
}

// An answer goes to the organizer, for what it is an answer to. RFC 6638, section 3.2.2
func TestAnswer(t *testing.T) {
	t.Parallel()
	yes := func(lines []string) []string {
		return []string{strings.ReplaceAll(strings.Join(lines, "\r\n"), "PARTSTAT=NEEDS-ACTION:mailto:mia", "PARTSTAT=ACCEPTED:mailto:mia")}
	}
	no := func(lines []string) []string {
		return []string{strings.ReplaceAll(strings.Join(lines, "\r\n"), "PARTSTAT=NEEDS-ACTION:mailto:mia", "PARTSTAT=DECLINED:mailto:mia")}
	}
	series := with(invited("mia", "max"), weekly)
	for name, row := range map[string]struct {
		old, new string
		silent   bool
		told     []string
		body     []string
	}{
		"yes":                   {calendar(series), calendar(yes(series)), false, []string{"REPLY lena"}, []string{"PARTSTAT=ACCEPTED:mailto:mia", "!max"}},
		"an alarm":              {calendar(series), calendar(with(series, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM", "TRANSP:TRANSPARENT")), false, nil, nil},
		"no to one":             {calendar(series), calendar(series, no(with(invited("mia", "max"), second))), false, []string{"REPLY lena 20260317T090000Z"}, []string{"DECLINED"}},
		"one left out":          {calendar(series), calendar(with(series, "EXDATE:20260317T090000Z")), false, []string{"REPLY lena 20260317T090000Z"}, []string{"DECLINED"}},
		"all yes and one no":    {calendar(series), calendar(yes(series), no(with(invited("mia", "max"), second))), false, []string{"REPLY lena 20260317T090000Z"}, []string{"DECLINED", "ACCEPTED"}},
		"deleted":               {calendar(series), "", false, []string{"REPLY lena"}, []string{"DECLINED"}},
		"deleted silently":      {calendar(series), "", true, nil, nil},
		"deleted when declined": {calendar(no(series)), "", false, nil, nil},
		"deleted when cancelled": {calendar(with(series, "STATUS:CANCELLED")), "", false, nil,
			nil},
		"put by hand": {"", calendar(yes(series)), false, []string{"REPLY lena"}, nil},
		"asked to say it again": {calendar(series), strings.Replace(calendar(series), "ORGANIZER:", "ORGANIZER;SCHEDULE-FORCE-SEND=REPLY:", 1), false,
			[]string{"REPLY lena"}, nil},
		"the client answers": {strings.Replace(calendar(series), "ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:", 1),
			strings.Replace(calendar(yes(series)), "ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:", 1), false, nil, nil},
	} {
		out, err := Change{Old: parse(t, row.old), New: parse(t, row.new), Owner: party("mia"), Silent: row.silent, Now: now}.Send()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(t, out.Messages); !slices.Equal(got, row.told) {
			t.Errorf("%s: told %q instead of %q", name, got, row.told)
			continue
		}
		if len(out.Messages) > 0 {
			holds(t, name, string(out.Messages[0].Body), row.body...)
		}
	}
}

// An attendee whose client has not heard how others answered does not take it back.
func TestAnswerKeepsOthers(t *testing.T) {
	t.Parallel()
	old := strings.ReplaceAll(calendar(with(invited("mia", "max"), once)), "NEEDS-ACTION:mailto:max", "ACCEPTED:mailto:max")
	obj := strings.ReplaceAll(calendar(with(invited("mia", "max"), once)), "NEEDS-ACTION:mailto:mia", "DECLINED:mailto:mia")
	out, err := Change{Old: parse(t, old), New: parse(t, obj), Owner: party("mia"), Now: now}.Send()
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "kept", string(out.Object.Bytes()), "PARTSTAT=DECLINED:mailto:mia", "PARTSTAT=ACCEPTED:mailto:max")
}

// What an object must not become has its precondition. RFC 6638, section 3.2.4
func TestRefusals(t *testing.T) {
	t.Parallel()
	series := with(invited("mia", "max"), weekly)
	many := invited()
	for i := range AttendeesMax {
		many = append(many, fmt.Sprintf("ATTENDEE:mailto:a%d@example.com", i))
	}
	other := []string{"SUMMARY:Plan", "ORGANIZER:mailto:zoe@example.com", "ATTENDEE:mailto:mia@example.com"}
	for name, row := range map[string]struct{ who, old, new, precondition string }{
		"two organizers":      {"lena", "", calendar(series, with(other, second)), SameOrganizer},
		"too many":            {"lena", "", calendar(with(many, once)), TooMany},
		"another organizer":   {"lena", calendar(series), calendar(with(other, weekly)), OrganizerChange},
		"taken over":          {"mia", calendar(series), strings.ReplaceAll(calendar(series), "ORGANIZER:mailto:lena", "ORGANIZER:mailto:mia"), AttendeeChange},
		"the time":            {"mia", calendar(series), strings.ReplaceAll(calendar(series), "T090000Z", "T080000Z"), AttendeeChange},
		"the summary":         {"mia", calendar(series), strings.ReplaceAll(calendar(series), "Plan", "Party"), AttendeeChange},
		"another guest":       {"mia", calendar(series), calendar(with(series, "ATTENDEE:mailto:zoe@example.com")), AttendeeChange},
		"an instance moved":   {"mia", calendar(series), calendar(series, with(invited("mia", "max"), strings.Replace(second, "DTSTART:20260317T09", "DTSTART:20260317T08", 1))), AttendeeChange},
		"an instance longer":  {"mia", calendar(series), calendar(series, with(invited("mia", "max"), strings.Replace(second, "DTEND:20260317T10", "DTEND:20260317T11", 1))), AttendeeChange},
		"a place for it":      {"mia", calendar(series), calendar(with(series, "LOCATION:here")), AttendeeChange},
		"an exception undone": {"mia", calendar(with(series, "EXDATE:20260317T090000Z")), calendar(series), AttendeeChange},
		"the series gone":     {"mia", calendar(series, with(invited("mia"), second)), calendar(with(invited("mia"), second)), AttendeeChange},
	} {
		_, err := Change{Old: parse(t, row.old), New: parse(t, row.new), Owner: party(row.who), Now: now}.Send()
		var broken *Error
		if !errors.As(err, &broken) || broken.Precondition != row.precondition {
			t.Errorf("%s: %v instead of %s", name, err, row.precondition)
		}
	}
}

// Who acts for the owner of a calendar invites in the owner's name.
func TestSentBy(t *testing.T) {
	t.Parallel()
	body := strings.ReplaceAll(calendar(with(invited("mia"), once)), "mailto:lena", "mailto:max")
	out, err := Change{New: parse(t, body), Owner: party("team"), Address: "mailto:team@example.com", Name: "Team",
		Actor: party("max"), ActorAddress: "mailto:max@example.com", Now: now}.Send()
	if err != nil || out.Role != Organizer {
		t.Fatalf("role %d, %v", out.Role, err)
	}
	holds(t, "kept", string(out.Object.Bytes()), `ORGANIZER;CN=Team;SENT-BY="mailto:max@example.com":mailto:team@example.com`)
	if got := told(t, out.Messages); !slices.Equal(got, []string{"REQUEST max", "REQUEST mia"}) {
		t.Errorf("told %q", got)
	}
}

// received is what a message makes of an object.
func received(t testing.TB, method Method, body, have string, sender, me string) Receipt {
	t.Helper()
	m := Message{Method: method, Body: []byte(strings.Replace(body, "VERSION", "METHOD:"+string(method)+"\r\nVERSION", 1))}
	got, err := m.Receive(parse(t, have), party(sender), party(me))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Invitations come in as RFC 6638, section 4.1.1, says, and no message makes one
// instance out of a series.
func TestReceive(t *testing.T) {
	t.Parallel()
	series := with(invited("mia", "max"), weekly)
	accepted := strings.ReplaceAll(calendar(with(series, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM")), "NEEDS-ACTION:mailto:mia", "ACCEPTED:mailto:mia")
	later := func(s string) string { return strings.ReplaceAll(s, "20260101T000000Z", "20260201T000000Z") }
	for name, row := range map[string]struct {
		method     Method
		body, have string
		sender     string
		status     string
		has        []string
		unchanged  bool
		tagged     bool
	}{
		"the first": {Request, calendar(series), "", "lena", Delivered, []string{"RRULE", "!METHOD"}, false, true},
		"one instance of a series": {Request, later(calendar(with(invited("mia", "max"), second, "LOCATION:there"))), accepted, "lena", Delivered,
			[]string{"RRULE", "VALARM", "LOCATION:there", "RECURRENCE-ID"}, false, true},
		"what has not changed keeps the answer": {Request, later(calendar(with(series, "X-A:1"))), accepted, "lena", Delivered,
			[]string{"PARTSTAT=ACCEPTED:mailto:mia", "VALARM"}, false, false},
		"a new time asks anew": {Request, later(calendar(with(series, "SEQUENCE:1"))), accepted, "lena", Delivered,
			[]string{"PARTSTAT=NEEDS-ACTION:mailto:mia"}, false, true},
		"an old sequence": {Request, calendar(series), calendar(with(series, "SEQUENCE:2")), "lena", Success, nil, true, false},
		"an old stamp":    {Request, calendar(series), later(accepted), "lena", Success, nil, true, false},
		"from another":    {Request, strings.ReplaceAll(calendar(series), "ORGANIZER:mailto:lena", "ORGANIZER:mailto:zoe"), accepted, "zoe", Forbidden, nil, true, false},
		"not the organizer's": {Request, calendar(series), "", "zoe", Forbidden, nil,
			true, false},
		"over an own event": {Request, calendar(series), calendar([]string{once}), "lena", Forbidden, nil, true, false},
		"cancelled":         {Cancel, calendar(with(series, "SEQUENCE:1")), accepted, "lena", Delivered, []string{"STATUS:CANCELLED"}, false, true},
		"one cancelled": {Cancel, calendar(with(invited("mia"), second)), accepted, "lena", Delivered,
			[]string{"EXDATE:20260317T090000Z", "!STATUS:CANCELLED", "RRULE"}, false, true},
		"one of its own cancelled": {Cancel, calendar(with(invited("mia"), second)), calendar(series, with(invited("mia"), second)), "lena", Delivered,
			[]string{"EXDATE:20260317T090000Z", "!RECURRENCE-ID"}, false, true},
		"a single one cancelled": {Cancel, calendar(with(invited("mia"), second)), calendar(with(invited("mia"), second)), "lena", Delivered,
			[]string{"RECURRENCE-ID", "STATUS:CANCELLED"}, false, true},
		"cancelled by another": {Cancel, calendar(series), accepted, "zoe", Forbidden, nil, true, false},
		"never there":          {Cancel, calendar(series), "", "lena", Delivered, nil, true, false},
	} {
		got := received(t, row.method, row.body, row.have, row.sender, "mia")
		if got.Status != row.status || (got.Object == nil) != row.unchanged || got.Tagged != row.tagged {
			t.Errorf("%s: status %s, unchanged %t, tagged %t", name, got.Status, got.Object == nil, got.Tagged)
		}
		if got.Object != nil {
			holds(t, name, string(got.Object.Bytes()), row.has...)
		}
	}
}

// An answer counts for what it names, and for nothing else. RFC 6638, section 4.1.2
func TestReceiveReply(t *testing.T) {
	t.Parallel()
	series := with(invited("mia", "max"), weekly)
	answer := func(lines ...string) string {
		return calendar(append([]string{"ORGANIZER:mailto:lena@example.com", "ATTENDEE;PARTSTAT=DECLINED:mailto:mia@example.com"}, lines...))
	}
	heard := strings.ReplaceAll(calendar(series), "NEEDS-ACTION:mailto:mia", "ACCEPTED;X-DAVIT-REPLIED=20260201T000000Z:mailto:mia")
	for name, row := range map[string]struct {
		body, have, sender, status string
		has                        []string
		unchanged                  bool
	}{
		"to the series":     {answer(weekly), calendar(series), "mia", Delivered, []string{"PARTSTAT=DECLINED;SCHEDULE-STATUS=2.0", "!RECURRENCE-ID", "NEEDS-ACTION:mailto:max"}, false},
		"to one instance":   {answer(second), calendar(series), "mia", Delivered, []string{"RRULE", "RECURRENCE-ID:20260317T090000Z", "NEEDS-ACTION:mailto:mia", "PARTSTAT=DECLINED"}, false},
		"to no instance":    {answer(strings.ReplaceAll(second, "0317", "0318")), calendar(series), "mia", Forbidden, nil, true},
		"to one left out":   {answer(second), calendar(with(series, "EXDATE:20260317T090000Z")), "mia", Forbidden, nil, true},
		"for somebody else": {answer(weekly), calendar(series), "max", Forbidden, nil, true},
		"not invited":       {strings.ReplaceAll(answer(weekly), "mia", "zoe"), calendar(series), "zoe", Forbidden, nil, true},
		"an old one":        {answer(weekly), heard, "mia", Success, nil, true},
		"to an old time":    {answer(weekly), strings.ReplaceAll(calendar(with(series, "SEQUENCE:2")), "T090000", "T080000"), "mia", Success, nil, true},
		"to the same time":  {answer(weekly), calendar(with(series, "SEQUENCE:2")), "mia", Delivered, []string{"PARTSTAT=DECLINED;SCHEDULE-STATUS=2.0"}, false},
		"to nothing":        {answer(weekly), "", "mia", Rejected, nil, true},
	} {
		got := received(t, Reply, row.body, row.have, row.sender, "lena")
		if got.Status != row.status || (got.Object == nil) != row.unchanged || got.Tagged {
			t.Errorf("%s: status %s, unchanged %t, tagged %t", name, got.Status, got.Object == nil, got.Tagged)
		}
		if got.Object != nil {
			holds(t, name, string(got.Object.Bytes()), row.has...)
		}
	}
}

// Whatever attendees answer, to the series and to its instances, and in whichever
// order their answers arrive, the organizer comes to know what they have said.
func TestAnswersConverge(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		converge(t, random)
	}
}

var states = []string{"ACCEPTED", "DECLINED", "TENTATIVE"}

func converge(t *testing.T, random *rand.Rand) {
	names := []string{"mia", "max", "zoe"}
	kept := parse(t, calendar(with(invited(names...), weekly)))
	copies := map[string]*Object{}
	out, err := Change{New: kept, Owner: party("lena"), Now: now}.Send()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range out.Messages {
		got, err := m.Receive(nil, party("lena"), party(names[i]))
		if err != nil || got.Object == nil {
			t.Fatalf("%v %v", got, err)
		}
		copies[names[i]] = got.Object
	}
	var answers []Message
	clock := now
	for range 12 {
		clock = clock.Add(time.Minute)
		name := names[random.IntN(len(names))]
		out, err := Change{Old: copies[name], New: say(copies[name], party(name), random), Owner: party(name), Now: clock}.Send()
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, out.Messages...)
		copies[name] = out.Object
	}
	random.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
	for _, m := range answers {
		got, err := m.Receive(kept, Party{Key(m.From)}, party("lena"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Object != nil {
			kept = got.Object
		}
	}
	for _, name := range names {
		for week := range 5 {
			key := fmt.Sprintf("202603%02dT090000Z", 10+7*week)
			if week == 3 {
				key = "20260331T090000Z"
			} else if week == 4 {
				key = "20260407T090000Z"
			}
			if mine, theirs := stateIn(copies[name], key, party(name)), stateIn(kept, key, party(name)); mine != theirs {
				t.Fatalf("%s says %s on %s, and the organizer knows of %s\n%s\n%s", name, mine, key, theirs, copies[name].Bytes(), kept.Bytes())
			}
		}
	}
}

// say is a copy in which somebody answers, to the series or to one instance.
func say(o *Object, who Party, random *rand.Rand) *Object {
	next := o.clone()
	state := states[random.IntN(len(states))]
	key := []string{"", "20260317T090000Z", "20260324T090000Z"}[random.IntN(3)]
	part := next.part(key)
	if part == nil {
		part = next.instance(next.master(), key)
		next.addPart(part)
	}
	part.attendee(who).param("PARTSTAT", state)
	return next
}

func stateIn(o *Object, key string, who Party) string {
	part := o.part(key)
	if part == nil {
		part = o.master()
	}
	return part.attendee(who).get("PARTSTAT", "NEEDS-ACTION")
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, row := range [][2]string{
		{"MAILTO:Mia@Example.com", "mailto:mia@example.com"}, {" mailto:mia@example.com", "mailto:mia@example.com"},
		{"https://host/principals/users/mia/", "/principals/users/mia"}, {"/principals/users/mia", "/principals/users/mia"},
		{"/principals/users/m%C3%BCller/", "/principals/users/müller"}, {"urn:UUID:1", "urn:uuid:1"}, {"http://%", "http://%"},
	} {
		if got := Key(row[0]); got != row[1] {
			t.Errorf("%q is %q instead of %q", row[0], got, row[1])
		}
	}
}

// FuzzItip holds whatever comes in to being answered, and what comes out to being
// readable.
func FuzzItip(f *testing.F) {
	series := with(invited("mia", "max"), weekly)
	f.Add(calendar(series), calendar(with(series, "EXDATE:20260317T090000Z")))
	f.Add(calendar(series), calendar(series, with(invited("mia"), second)))
	f.Add(calendar(with(invited("mia"), once)), "")
	f.Fuzz(func(t *testing.T, before, after string) {
		read := func(text string) *Object {
			o, err := Parse([]byte(text))
			if err != nil || len(o.parts()) == 0 {
				return nil
			}
			return o
		}
		for _, who := range []string{"lena", "mia"} {
			old, obj := read(before), read(after)
			out, err := Change{Old: old, New: obj, Owner: party(who), Now: now}.Send()
			if err != nil {
				continue
			}
			if out.Object != nil {
				if _, err := ical.Decode(out.Object.Bytes()); err != nil {
					t.Fatalf("kept: %v\n%s", err, out.Object.Bytes())
				}
			}
			for _, m := range out.Messages {
				for _, have := range []*Object{nil, read(before), read(after)} {
					got, err := m.Receive(have, Party{Key(m.From)}, Party{Key(m.To)})
					if err != nil {
						t.Fatalf("%s: %v\n%s", m.Method, err, m.Body)
					}
					if got.Object == nil {
						continue
					}
					if _, err := ical.Decode(got.Object.Bytes()); err != nil {
						t.Fatalf("received: %v\n%s", err, got.Object.Bytes())
					}
				}
			}
		}
	})
}
