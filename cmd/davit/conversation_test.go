package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"davit/caldav/imip/imiptest"
)

// TestConversations tells the stories of testdata/conversations to a server in
// this process and to the built binary.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("../../testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run("in-process/"+name, func(t *testing.T) { converse(t, inProcess(t), file, string(text)) })
		t.Run("binary/"+name, func(t *testing.T) { converse(t, builtBinary(t), file, string(text)) })
	}
}

// A stage is where a conversation takes place: a fresh server and the commands.
type stage struct {
	url   string
	davit func(stdin string, args ...string) (code int, output string)
}

const everybodysPassword = "correct horse"

// nobody asks without a name and a password.
const nobody = "nobody"

// talk is a conversation under way.
type talk struct {
	t     *testing.T
	on    stage
	http  map[string]*http.Client // a connection for each person, kept open
	uses  map[string][]word       // the headers that a person's client sends with every request
	kept  map[string]string
	mail  *imiptest.Server // of $MAIL, nil where a conversation has no letters
	read  map[string]int   // how many letters of a person were told of
	where string           // file and line
}

func converse(t *testing.T, on stage, file, text string) {
	c := &talk{t: t, on: on, http: map[string]*http.Client{}, uses: map[string][]word{}, kept: map[string]string{"URL": on.url}, read: map[string]int{}}
	if strings.Contains(text, "$MAIL") {
		c.mail = imiptest.Start(t, &imiptest.Server{})
		c.kept["MAIL"] = c.mail.Address
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c.where = fmt.Sprintf("%s:%d: %s", filepath.Base(file), i+1, line)
		words, err := split(line)
		if err != nil || len(words) < 2 {
			t.Fatalf("%s: cannot be read: %v", c.where, err)
		}
		switch {
		case words[0].text == "op":
			c.operate(words[1:])
		case words[1].text == "uses":
			c.uses[words[0].text] = words[2:]
		case words[1].text == "receives":
			c.receive(words)
		default:
			c.ask(words)
		}
	}
	c.unread()
}

// letterPatience is how long a letter may take that the next line is about.
const letterPatience = 30 * time.Second

// receive holds the next letter to somebody to what its line says.
func (c *talk) receive(words []word) {
	c.t.Helper()
	_, want := c.outcome(words)
	to := words[0].text
	letter, came := c.mail.Await(to, c.read[to], letterPatience)
	if !came {
		c.t.Fatalf("%s: no letter comes", c.where)
	}
	c.read[to]++
	text, err := letter.Text()
	if err != nil {
		c.t.Fatalf("%s: %v", c.where, err)
	}
	c.look(want, text)
}

// unread names a letter that no line has told of.
func (c *talk) unread() {
	c.t.Helper()
	if c.mail == nil {
		return
	}
	came := map[string]int{}
	for _, l := range c.mail.Letters() {
		if came[l.To]++; came[l.To] > c.read[l.To] {
			c.t.Errorf("no line tells of a letter to %s:\n%s", l.To, l.Data)
		}
	}
}

// word is a part of a line; a quoted one is a body or a text to look for.
type word struct {
	text   string
	quoted bool
}

// split cuts a line at spaces outside quotes.
func split(line string) (words []word, err error) {
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] == '"' {
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("a quote without its end")
			}
			words = append(words, word{line[1 : end+1], true})
			line = line[end+2:]
			continue
		}
		end, quoted := 0, false
		for end < len(line) && (quoted || line[end] != ' ') {
			quoted = quoted != (line[end] == '"')
			end++
		}
		words = append(words, word{line[:end], false})
		line = line[end:]
	}
	return words, nil
}

// wanted is what a line says of the outcome.
type wanted struct {
	with, without []string
	sameAs        string
	keep          []string // NAME=Header, or NAME=what stands before it in the output of a command
}

// outcome takes the trailing conditions off the words.
func (c *talk) outcome(words []word) (rest []word, w wanted) {
	for i := 0; i < len(words); i++ {
		if words[i].quoted || i+1 == len(words) {
			rest = append(rest, words[i])
			continue
		}
		next := c.fill(words[i+1].text)
		switch words[i].text {
		case "with":
			w.with = append(w.with, next)
		case "without":
			w.without = append(w.without, next)
		case "same-as":
			w.sameAs = next
		case "keep":
			w.keep = append(w.keep, next)
		default:
			rest = append(rest, words[i])
			continue
		}
		i++
	}
	return rest, w
}

// fill puts kept values in place of $NAME.
func (c *talk) fill(text string) string {
	for name, value := range c.kept {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}

// operate runs a command of the operator.
func (c *talk) operate(words []word) {
	c.t.Helper()
	words, want := c.outcome(words)
	code := 0
	if n := len(words); n > 2 && words[n-2].text == "exit" {
		var err error
		if code, err = strconv.Atoi(words[n-1].text); err != nil {
			c.t.Fatalf("%s: %v", c.where, err)
		}
		words = words[:n-2]
	}
	args := make([]string, len(words))
	for i, w := range words {
		args[i] = c.fill(w.text)
	}
	if len(args) > 2 && args[0] == "user" && args[1] == "add" {
		args = append(args, "--password-stdin")
	}
	got, output := c.on.davit(everybodysPassword+"\n", args...)
	if got != code {
		c.t.Fatalf("%s: exit %d instead of %d\n%s", c.where, got, code, output)
	}
	c.look(want, output)
	for _, k := range want.keep {
		name, before, _ := strings.Cut(k, "=")
		c.keepAfter(name, before, output)
	}
}

// keepAfter notes the ID that follows a text.
func (c *talk) keepAfter(name, before, text string) {
	c.t.Helper()
	_, after, found := strings.Cut(text, strings.Trim(before, `"`))
	if c.kept[name] = anyID.FindString(after); !found || c.kept[name] == "" {
		c.t.Fatalf("%s: nothing to keep\n%s", c.where, text)
	}
}

// keepElement notes what stands in the first element with that start tag.
func (c *talk) keepElement(name, tag, text string) {
	c.t.Helper()
	_, after, found := strings.Cut(text, tag)
	if c.kept[name], _, _ = strings.Cut(after, "<"); !found || c.kept[name] == "" {
		c.t.Fatalf("%s: nothing to keep\n%s", c.where, text)
	}
}

// anyID is an ID, token or moment as commands print it.
var anyID = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9a-z]+)`)

func (c *talk) look(want wanted, shown string) {
	c.t.Helper()
	for _, text := range want.with {
		if !strings.Contains(shown, text) {
			c.t.Errorf("%s: it does not show %q\n%s", c.where, text, shown)
		}
	}
	for _, text := range want.without {
		if strings.Contains(shown, text) {
			c.t.Errorf("%s: it shows %q\n%s", c.where, text, shown)
		}
	}
}

// ask sends the request of a line and holds the answer to it.
func (c *talk) ask(words []word) {
	c.t.Helper()
	words, want := c.outcome(words)
	last := len(words) - 1
	status, err := strconv.Atoi(words[last].text)
	if err != nil || last < 3 {
		c.t.Fatalf("%s: no status at the end", c.where)
	}
	got := c.send(words[:last], "")
	if got.status != status {
		c.t.Fatalf("%s: %d\n%s", c.where, got.status, got.text())
	}
	c.look(want, got.text())
	for _, k := range want.keep {
		name, header, _ := strings.Cut(k, "=")
		switch {
		case strings.HasPrefix(header, "/"):
			c.keepAfter(name, header, got.body)
			continue
		case strings.Contains(header, "<"):
			c.keepElement(name, strings.Trim(header, `"`), got.body)
			continue
		}
		c.kept[name] = strings.Trim(got.header.Get(header), "<>")
		if header == "Lock-Token" {
			c.kept[name] = "<" + c.kept[name] + ">"
		}
	}
	if want.sameAs != "" {
		if other := c.send(words[:last], want.sameAs); got.text() != other.text() {
			c.t.Errorf("%s: the answers differ\n%s\n--- and ---\n%s", c.where, got.text(), other.text())
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// text is everything that a client can tell an answer by, less the date.
func (r reply) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.status)
	names := make([]string, 0, len(r.header))
	for name := range r.header {
		if name != "Date" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintln(&b, name+":", strings.Join(r.header[name], ", "))
	}
	return b.String() + "\n" + r.body
}

// bodies are what clients send, by the name after the @.
func namedBody(name string) (string, bool) {
	const lock = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`
	kind, arg, _ := strings.Cut(name, ":")
	switch kind {
	case "exclusive", "shared":
		return fmt.Sprintf(lock, kind), true
	case "props":
		return `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:` + arg + ` xmlns:x="urn:x">value</x:` + arg + `></D:prop></D:set></D:propertyupdate>`, true
	case "event":
		return fmt.Sprintf(eventBody, arg, arg, ""), true
	case "private":
		return fmt.Sprintf(eventBody, arg, arg, "CLASS:PRIVATE\r\nLOCATION:Hospital\r\n"), true
	case "message":
		return strings.NewReplacer("VEVENT", "VJOURNAL", "DTEND:20260310T100000Z\r\n", "").Replace(fmt.Sprintf(eventBody, arg, arg, "")), true
	case "meeting":
		return meetingBody(arg, ""), true
	case "weekly":
		return meetingBody(arg, "RRULE:FREQ=WEEKLY;COUNT=5\r\n"), true
	case "instance":
		return instanceBody(arg), true
	case "busy":
		return busyBody(arg), true
	case "calendar-query":
		return `<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>` +
			`<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` + timeRange(arg) + `</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, true
	case "free-busy":
		return `<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">` + timeRange(arg) + `</C:free-busy-query>`, true
	case "quota":
		return `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>`, true
	}
	return "", false
}

// eventBody is an event with a UID, a summary and further lines.
const eventBody = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//conversations//EN\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART:20260310T090000Z\r\nDTEND:20260310T100000Z\r\nSUMMARY:%s\r\n%sEND:VEVENT\r\nEND:VCALENDAR\r\n"

// meetingBody is a meeting of an organizer with people, of whom some have answered,
// written as UID/lena/mia,max=DECLINED.
func meetingBody(text, more string) string {
	uid, rest, _ := strings.Cut(text, "/")
	organizer, people, _ := strings.Cut(rest, "/")
	lines := "ORGANIZER:mailto:" + organizer + "@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:" + organizer + "@example.com\r\n"
	for one := range strings.SplitSeq(people, ",") {
		name, state, answered := strings.Cut(one, "=")
		if !answered {
			state = "NEEDS-ACTION"
		}
		lines += "ATTENDEE;PARTSTAT=" + state + ":mailto:" + name + "@example.com\r\n"
	}
	return fmt.Sprintf(eventBody, uid, uid, lines+more)
}

// instanceBody is a weekly meeting of which the second instance has the answers
// that are told.
func instanceBody(text string) string {
	series := meetingBody(regexp.MustCompile(`=[A-Z]+`).ReplaceAllString(text, ""), "RRULE:FREQ=WEEKLY;COUNT=5\r\n")
	begin, end := "BEGIN:VEVENT", "END:VCALENDAR"
	one := meetingBody(text, "RECURRENCE-ID:20260317T090000Z\r\n")
	one = strings.NewReplacer("DTSTART:20260310", "DTSTART:20260317", "DTEND:20260310", "DTEND:20260317").Replace(one[strings.Index(one, begin):])
	return strings.Replace(series, end, "", 1) + one
}

// busyBody asks when people are busy, written as max/mia,lena/FROM/TO.
func busyBody(text string) string {
	part := strings.Split(text, "/")
	lines := "ORGANIZER:mailto:" + part[0] + "@example.com\r\nDTSTART:" + part[2] + "\r\nDTEND:" + part[3] + "\r\n"
	for name := range strings.SplitSeq(part[1], ",") {
		lines += "ATTENDEE:mailto:" + name + "@example.com\r\n"
	}
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//conversations//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:busy\r\nDTSTAMP:20260101T000000Z\r\n" +
		lines + "END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
}

// timeRange is a range of time, written as FROM/TO.
func timeRange(text string) string {
	from, to, _ := strings.Cut(text, "/")
	return `<C:time-range start="` + from + `" end="` + to + `"/>`
}

// send makes the request of the words: who, method, path, then bodies and
// headers. A path given beside replaces theirs.
func (c *talk) send(words []word, path string) reply {
	c.t.Helper()
	who, method := c.fill(words[0].text), words[1].text
	if path == "" {
		path = c.fill(words[2].text)
	}
	body, headers := "", http.Header{}
	for _, w := range slices.Concat(c.uses[who], words[3:]) {
		if given, is := c.body(w); is {
			body = given
			continue
		}
		name, value, found := strings.Cut(w.text, "=")
		if !found {
			c.t.Fatalf("%s: %q is neither body nor header", c.where, w.text)
		}
		value = c.fill(strings.Trim(value, `"`))
		if name == "Destination" && strings.HasPrefix(value, "/") {
			value = c.on.url + value
		}
		headers.Set(name, value)
	}
	req, err := http.NewRequest(method, c.on.url+strings.TrimPrefix(path, c.on.url), strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s: %v", c.where, err)
	}
	req.Header = headers
	if headers.Get("Transfer-Encoding") == "chunked" {
		req.ContentLength = -1
	}
	if who != nobody {
		req.SetBasicAuth(who, everybodysPassword)
	}
	return c.exchange(who, req)
}

// body gives the body that a word stands for, if it stands for one.
func (c *talk) body(w word) (body string, is bool) {
	c.t.Helper()
	switch text := c.fill(w.text); {
	case w.quoted:
		return text, true
	case text[0] == '@' && strings.Contains(text, "."):
		captured, err := os.ReadFile(filepath.Join("../../testdata/conversations/bodies", filepath.Base(text[1:])))
		if err != nil {
			c.t.Fatalf("%s: %v", c.where, err)
		}
		return string(captured), true
	case text[0] == '@':
		known, is := namedBody(text[1:])
		if !is {
			c.t.Fatalf("%s: no body %s", c.where, text)
		}
		return known, true
	case text[0] == '#':
		n, err := strconv.Atoi(text[1:])
		if err != nil {
			c.t.Fatalf("%s: %v", c.where, err)
		}
		return strings.Repeat("x", n), true
	}
	return "", false
}

func (c *talk) exchange(who string, req *http.Request) reply {
	c.t.Helper()
	if c.http[who] == nil {
		c.http[who] = &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	resp, err := c.http[who].Do(req)
	if err != nil {
		c.t.Fatalf("%s: %v", c.where, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", c.where, err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}
