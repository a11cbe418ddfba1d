package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"davit/admin"
	"davit/auth"
	"davit/dav/davtest"
	"davit/dav/webpush/webpushtest"
	"davit/policy"
	"davit/store"
)

// A watch is a store whose changes are pushed to a service of the test, by a clock of
// the test.
type watch struct {
	*davtest.Server
	t       *testing.T
	now     time.Time
	service *webpushtest.Service
	pusher  *pusher
}

func newWatch(t *testing.T, people ...string) *watch {
	w := &watch{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), service: webpushtest.Start(t)}
	w.service.Now = func() time.Time { return w.now }
	w.Server = davtest.StartWith(t, store.Options{Clock: func() time.Time { return w.now }}, people...)
	w.allow(strings.TrimPrefix(w.service.URL, "https://"), "127.0.0.1/32")
	w.hire()
	return w
}

// hire takes on a pusher who remembers nothing.
func (w *watch) hire() {
	w.pusher = newPusher(w.Store, slog.New(slog.DiscardHandler))
	w.pusher.roots, w.pusher.timeout = w.service.Roots, time.Minute
}

func (w *watch) set(edit func(*policy.Settings)) {
	w.Change(func(p *policy.State) ([]policy.Change, error) {
		set := p.Settings()
		edit(&set)
		return []policy.Change{policy.PutSettings{Settings: set}}, nil
	})
}

func (w *watch) allow(hosts ...string) { w.set(func(s *policy.Settings) { s.PushHosts = hosts }) }

const (
	onContent = `<trigger><content-update><D:sync-level>1</D:sync-level></content-update></trigger>`
	onDeep    = `<trigger><content-update><D:sync-level>infinite</D:sync-level></content-update></trigger>`
	onProps   = `<trigger><property-update><D:depth>1</D:depth><D:prop><D:displayname/></D:prop></property-update></trigger>`
	onBoth    = `<trigger><content-update/><property-update/></trigger>`
)

func registration(r *webpushtest.Receiver, rest string) string {
	return `<push-register xmlns="https://bitfire.at/webdav-push" xmlns:D="DAV:"><subscription><web-push-subscription><push-resource>` + r.Resource +
		`</push-resource><content-encoding>aes128gcm</content-encoding><subscription-public-key type="p256dh">` + r.PublicKey() +
		`</subscription-public-key><auth-secret>` + r.Auth() + `</auth-secret></web-push-subscription></subscription>` + rest + `</push-register>`
}

func post(c *davtest.Client, path, body string) *davtest.Response {
	return c.Do("POST", path, body, "Content-Type", `application/xml; charset="utf-8"`)
}

// register has a name at the service told of a collection, and gives the path of the
// registration.
func (w *watch) register(c *davtest.Client, path, name, rest string) (at string) {
	w.t.Helper()
	r := post(c, path, registration(w.service.Subscribe(name), rest)).Want(w.t, 201)
	at, whole := strings.CutPrefix(r.Header.Get("Location"), w.URL)
	if !whole || !strings.HasPrefix(at, "/dav/.push/") {
		w.t.Fatalf("the registration is at %q", r.Header.Get("Location"))
	}
	return at
}

// told has all that waits sent, and wants these to be told: "mia content".
func (w *watch) told(want ...string) []webpushtest.Message {
	w.t.Helper()
	w.now = w.now.Add(pushEvery + pushDelay)
	w.pusher.step(context.Background()) // what has happened begins to wait
	w.now = w.now.Add(pushDelay)
	w.pusher.step(context.Background())
	got := w.service.Take()
	var texts []string
	for _, m := range got {
		text := m.To[1:]
		if strings.Contains(m.Body, "<P:content-update>") {
			text += " content"
		}
		if strings.Contains(m.Body, "<P:property-update/>") {
			text += " props"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	slices.Sort(want)
	if !slices.Equal(texts, want) {
		w.t.Errorf("told %q instead of %q: %+v", texts, want, got)
	}
	return got
}

const pushProps = `<propfind xmlns="DAV:" xmlns:P="https://bitfire.at/webdav-push"><prop><sync-token/><P:transports/><P:topic/><P:supported-triggers/></prop></propfind>`

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	inner, _, _ := strings.Cut(rest, to)
	return inner
}

// A phone is told, and nobody between can read it, that its collection has changed; one
// message stands for many changes, and its own need none.
func TestPusher(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "olga", "mia", "max")
	w.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := w.As("mia"), w.As("max")
	const team = "/dav/Team/"
	r := mia.Do("PROPFIND", team, pushProps, "Depth", "0").Want(t, 207, "vapid-public-key type=\"p256ecdsa\"", "sync-level>infinite<", "D:depth>0<")
	if !strings.Contains(mia.Do("OPTIONS", team, "").Header.Get("Dav"), "webdav-push") {
		t.Error("the class is not told")
	}
	topic, key := between(r.Body, ">", "</x:topic>"), between(r.Body, `p256ecdsa">`, "<")
	topic = topic[strings.LastIndex(topic, ">")+1:]
	at := w.register(mia, team, "phone", onContent)
	w.told()

	max.Do("PUT", team+"a.txt", "1").Want(t, 201)
	max.Do("PUT", team+"b.txt", "1").Want(t, 201)
	max.Do("PUT", team+"a.txt", "2").Want(t, 204)
	got := w.told("phone content")
	if len(got) == 1 {
		m := got[0]
		if m.Key != key || m.TTL != "86400" || m.Urgency != "normal" || !strings.Contains(m.Body, "<P:topic>"+topic+"</P:topic>") || topic == "" {
			t.Errorf("the service got %+v, with the topic %q and the key %q", m, topic, key)
		}
		token := between(m.Body, "<D:sync-token>", "<")
		sync := `<sync-collection xmlns="DAV:"><sync-token>` + token + `</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
		mia.Do("REPORT", team, sync).Want(t, 207, "!a.txt")
		max.Do("PUT", team+"c.txt", "1").Want(t, 201)
		mia.Do("REPORT", team, sync).Want(t, 207, "c.txt", "!a.txt")
		w.told("phone content")
	}
	w.told()

	// What mia's phone did itself it is not told; max cannot keep it from her.
	mia.Do("PUT", team+"d.txt", "1", "Push-Dont-Notify", `"`+w.URL+at+`"`).Want(t, 201)
	w.told()
	mia.Do("PUT", team+"d.txt", "2", "Push-Dont-Notify", "*").Want(t, 204)
	w.told()
	mia.Do("PUT", team+"d.txt", "3", "Push-Dont-Notify", `"`+w.URL+`/dav/.push/1", "%zz", x`).Want(t, 204)
	w.told("phone content")
	for _, words := range []string{"*", `"` + w.URL + at + `"`} {
		max.Do("PUT", team+"d.txt", words, "Push-Dont-Notify", words).Want(t, 204)
		w.told("phone content")
	}

	// Deeper down, and of the folder itself, is told to who asked.
	w.register(mia, team, "deep", onDeep)
	w.register(mia, team, "props", onProps)
	w.register(max, team, "both", onBoth)
	max.Do("MKCOL", team+"sub/", "").Want(t, 201)
	w.told("phone content", "deep content", "both content")
	max.Do("PUT", team+"sub/x.txt", "1").Want(t, 201)
	w.told("deep content")
	max.Do("PROPPATCH", team, `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X xmlns="x">1</X></D:prop></D:set></D:propertyupdate>`).Want(t, 207)
	w.told("props props", "both props")

	// Registered twice it is one; ended, it is told nothing more.
	again := post(mia, team, registration(w.service.Subscribe("phone"), onBoth)).Want(t, 204)
	if again.Header.Get("Location") != w.URL+at {
		t.Errorf("renewed at %q", again.Header.Get("Location"))
	}
	max.Do("DELETE", at, "").Want(t, 404)
	mia.Do("GET", at, "").Want(t, 405)
	mia.Do("DELETE", at, "").Want(t, 204)
	mia.Do("DELETE", at, "").Want(t, 404)
	max.Do("DELETE", team+"a.txt", "").Want(t, 204)
	w.told("deep content", "both content")
}

// One registration gets a message now and then at most, however much happens.
func TestPushRate(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "mia")
	mia := w.As("mia")
	mia.Do("MKCOL", "/dav/home/d/", "").Want(t, 201)
	w.register(mia, "/dav/home/d/", "phone", onContent)
	messages := 0
	const seconds = 120
	for i := range seconds {
		mia.Do("PUT", "/dav/home/d/"+strconv.Itoa(i), "x").Want(t, 201)
		w.pusher.step(context.Background())
		messages += len(w.service.Take())
		w.now = w.now.Add(time.Second)
	}
	if most := seconds/int(pushEvery/time.Second) + 1; messages == 0 || messages > most {
		t.Errorf("%d messages in %d seconds", messages, seconds)
	}
}

// A message itself says that something changed: nobody is told of what he may not know,
// at the moment of the message, by the credential that registered.
func TestPushTellsNothingHidden(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "olga", "mia", "max")
	w.Space("Team", "user:mia=viewer", "user:max=manager")
	max := w.As("max")
	max.Do("MKCOL", "/dav/Team/HR/", "").Want(t, 201)
	max.Do("PUT", "/dav/Team/secret.txt", "1").Want(t, 201)
	max.Do("PUT", "/dav/Team/HR/x.txt", "1").Want(t, 201)
	for _, p := range []string{"/Team/secret.txt", "/Team/HR"} {
		w.Entry(p, "user:mia", policy.Entry{Deny: policy.All})
	}
	phone := auth.NewDevice{Name: "phone", Class: policy.Mobile}
	mia, device := w.As("mia"), w.AsDevice("mia", phone)
	if hidden, none := post(mia, "/dav/Team/HR/", registration(w.service.Subscribe("x"), onBoth)).Want(t, 404), post(mia, "/dav/Team/none/", registration(w.service.Subscribe("x"), onBoth)); hidden.Body != none.Body {
		t.Errorf("hidden: %q, missing: %q", hidden.Body, none.Body)
	}
	w.register(mia, "/dav/Team/", "main", onDeep)
	w.register(device, "/dav/Team/", "phone", onDeep)
	max.Do("PUT", "/dav/Team/secret.txt", "2").Want(t, 204)
	max.Do("PUT", "/dav/Team/HR/y.txt", "1").Want(t, 201)
	max.Do("DELETE", "/dav/Team/HR/x.txt", "").Want(t, 204)
	w.told()
	max.Do("PUT", "/dav/Team/a.txt", "1").Want(t, 201)
	w.told("main content", "phone content")

	// Between the change and the message the right, or what stands for it, goes.
	write := func() { max.Do("PUT", "/dav/Team/a.txt", w.now.String()).Want(t, 204) }
	write()
	w.Level("Team", "user:mia", "none")
	w.told()
	w.Level("Team", "user:mia", "viewer")
	write()
	w.told("main content", "phone content")
	write()
	w.set(func(s *policy.Settings) { s.TwoFactor = true })
	w.told("phone content")
	w.set(func(s *policy.Settings) { s.TwoFactor = false })
	write()
	hosts := w.Store.Policy().Settings().PushHosts
	w.allow()
	w.told()
	w.allow("push.example.org")
	w.told()
	w.allow(hosts...)
	op := admin.New(w.Store, w.Auth)
	if _, err := admin.DeactivateUser.Do(context.Background(), op, admin.Named{Name: "mia"}); err != nil {
		t.Fatal(err)
	}
	write()
	w.told()
	if _, err := admin.ActivateUser.Do(context.Background(), op, admin.Named{Name: "mia"}); err != nil {
		t.Fatal(err)
	}
	write()
	w.told("main content", "phone content")

	// An app password that is ended ends its registrations, as a new main password
	// ends those of the old one.
	registered := func(want int) {
		t.Helper()
		list, err := w.Store.Operator().Pushes()
		if err != nil || len(list) != want {
			t.Errorf("registered: %+v instead of %d (%v)", list, want, err)
		}
	}
	id := w.Store.Policy().UserNamed("mia").ID
	account, err := w.Store.Account("mia")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Auth.RemoveDevice(context.Background(), id, account.Devices[0].ID); err != nil {
		t.Fatal(err)
	}
	registered(1)
	if err := w.Store.SetPassword(context.Background(), id, account.Password); err != nil {
		t.Fatal(err)
	}
	registered(0)
	write()
	w.told()
}

// What a service answers decides what becomes of a message and of its registration.
func TestPushServices(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "mia")
	mia := w.As("mia")
	mia.Do("MKCOL", "/dav/home/d/", "").Want(t, 201)
	w.register(mia, "/dav/home/d/", "phone", onContent)
	change := func() { mia.Do("PUT", "/dav/home/d/"+strconv.FormatInt(w.now.UnixNano(), 10), "x").Want(t, 201) }
	asked := 0
	answer := func(status int, after string) {
		asked = 0
		w.service.Answer(after, func(*http.Request) int { asked++; return status })
	}
	fault := func(want string) {
		t.Helper()
		list, err := w.Store.Operator().Pushes()
		if err != nil || len(list) != 1 || list[0].Fault != want {
			t.Errorf("%+v (%v) instead of the fault %q", list, err, want)
		}
	}
	// It is tried again, later and later, and what came meanwhile goes with it.
	answer(503, "")
	change()
	w.told()
	fault("the push service answers 503")
	for i, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		before := asked
		w.now = w.now.Add(wait*time.Minute - time.Second)
		w.pusher.step(context.Background())
		if asked != before {
			t.Errorf("try %d came too early", i+2)
		}
		w.now = w.now.Add(time.Second)
		if w.pusher.step(context.Background()); asked != before+1 {
			t.Errorf("try %d did not come", i+2)
		}
	}
	change()
	answer(0, "")
	w.now = w.now.Add(time.Hour)
	w.told("phone content")
	fault("")
	answer(429, "600")
	change()
	w.told()
	w.now = w.now.Add(9 * time.Minute)
	w.pusher.step(context.Background())
	if asked != 1 {
		t.Errorf("asked %d times before the service wants to be", asked)
	}
	answer(0, "")
	w.now = w.now.Add(time.Minute)
	w.told("phone content")

	// What is refused is not tried again, and the next message is.
	answer(413, "")
	change()
	w.told()
	w.now = w.now.Add(24 * time.Hour)
	w.told()
	if asked != 1 {
		t.Errorf("asked %d times for what is refused", asked)
	}
	answer(0, "")
	change()
	w.told("phone content")

	// It is kept over a restart, and goes with the subscription.
	w.Restart(store.Options{Clock: func() time.Time { return w.now }})
	mia = w.As("mia")
	w.hire()
	change()
	w.told("phone content")
	answer(410, "")
	change()
	w.told()
	if list, err := w.Store.Operator().Pushes(); err != nil || len(list) != 0 {
		t.Errorf("after it was gone: %+v (%v)", list, err)
	}
}

// Registrations end when they say, with their collection and with their account.
func TestPushEnds(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "olga", "mia", "max")
	w.Space("Team", "user:mia=manager", "user:max=editor")
	mia, max := w.As("mia"), w.As("max")
	mia.Do("MKCOL", "/dav/Team/d/", "").Want(t, 201)
	mia.Do("MKCOL", "/dav/Team/d/e/", "").Want(t, 201)
	until := w.now.Add(time.Hour)
	for _, row := range []struct{ name, expires, want string }{
		{"short", until.Format(http.TimeFormat), until.Format(http.TimeFormat)},
		{"none", "", w.now.Add(store.PushLifeMax).Format(http.TimeFormat)},
		{"long", w.now.Add(1000 * time.Hour).Format(http.TimeFormat), w.now.Add(store.PushLifeMax).Format(http.TimeFormat)},
	} {
		rest := onContent
		if row.expires != "" {
			rest += "<expires>" + row.expires + "</expires>"
		}
		r := post(mia, "/dav/Team/", registration(w.service.Subscribe(row.name), rest)).Want(t, 201)
		if got := r.Header.Get("Expires"); got != row.want {
			t.Errorf("%s: expires %q instead of %q", row.name, got, row.want)
		}
	}
	w.register(mia, "/dav/Team/d/e/", "deep", onContent)
	w.register(max, "/dav/Team/", "max", onContent)
	w.now = w.now.Add(59 * time.Minute)
	mia.Do("PUT", "/dav/Team/a.txt", "1").Want(t, 201)
	w.told("short content", "none content", "long content", "max content")
	w.now = w.now.Add(time.Hour)
	mia.Do("PUT", "/dav/Team/a.txt", "2").Want(t, 204)
	w.told("none content", "long content", "max content")
	count := func(want int) {
		t.Helper()
		if list, err := w.Store.Operator().Pushes(); err != nil || len(list) != want {
			t.Errorf("%d registrations instead of %d (%v): %+v", len(list), want, err, list)
		}
	}
	count(4)

	// A collection in the trash tells nothing; what is erased is registered no more.
	mia.Do("DELETE", "/dav/Team/d/", "").Want(t, 204)
	w.told("none content", "long content", "max content")
	count(4)
	mia.Do("DELETE", "/dav/.trash/Team/", "").Want(t, 204)
	if _, err := w.Store.Collect(context.Background(), admin.Grace); err != nil {
		t.Fatal(err)
	}
	count(3)
	w.now = w.now.Add(store.PushLifeMax)
	if _, err := w.Store.Collect(context.Background(), admin.Grace); err != nil {
		t.Fatal(err)
	}
	count(0)
	w.register(max, "/dav/Team/", "max", onContent)
	op := admin.New(w.Store, w.Auth)
	if _, err := admin.DeactivateUser.Do(context.Background(), op, admin.Named{Name: "max"}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteUser.Do(context.Background(), op, admin.OldUser{Name: "max", Heir: "olga"}); err != nil {
		t.Fatal(err)
	}
	count(0)
}

// What nothing can be pushed to, or of, is refused with its precondition.
func TestPushRefuses(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "mia", "max")
	mia := w.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "1").Want(t, 201)
	phone := w.service.Subscribe("phone")
	good := registration(phone, onContent)
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, row := range map[string]struct{ path, body, want string }{
		"no subscription":       {"/dav/home/", `<push-register xmlns="https://bitfire.at/webdav-push" xmlns:D="DAV:">` + onContent + `</push-register>`, "invalid-subscription"},
		"another transport":     {"/dav/home/", strings.ReplaceAll(good, "web-push-subscription", "pigeon"), "invalid-subscription"},
		"no URL":                {"/dav/home/", swap(phone.Resource, "phone"), "invalid-subscription"},
		"a service not allowed": {"/dav/home/", swap(phone.Resource, "https://push.example.org/x"), "invalid-subscription"},
		"without TLS":           {"/dav/home/", swap("https://127", "http://127"), "invalid-subscription"},
		"a long URL":            {"/dav/home/", swap(phone.Resource, phone.Resource+strings.Repeat("x", 3000)), "invalid-subscription"},
		"another encoding":      {"/dav/home/", swap("aes128gcm", "aesgcm"), "invalid-subscription"},
		"another key":           {"/dav/home/", swap("p256dh", "x25519"), "invalid-subscription"},
		"no point":              {"/dav/home/", swap(phone.PublicKey(), "AAAA"), "invalid-subscription"},
		"no secret":             {"/dav/home/", swap(phone.Auth(), "AAAA"), "invalid-subscription"},
		"no base64":             {"/dav/home/", swap(phone.Auth(), "!"), "invalid-subscription"},
		"over already":          {"/dav/home/", swap(onContent, onContent+"<expires>"+w.now.Format(http.TimeFormat)+"</expires>"), "invalid-subscription"},
		"no date":               {"/dav/home/", swap(onContent, onContent+"<expires>tomorrow</expires>"), "invalid-subscription"},
		"no trigger":            {"/dav/home/", swap(onContent, ""), "no-supported-trigger"},
		"another trigger":       {"/dav/home/", swap(onContent, "<trigger><moon/></trigger>"), "no-supported-trigger"},
		"a file":                {"/dav/home/a.txt", good, "push-not-available"},
	} {
		t.Run(name, func(t *testing.T) { post(mia, row.path, row.body).Want(t, 403, row.want) })
	}
	post(mia, "/dav/home/", "<x/>").Want(t, 405)
	post(mia, "/dav/home/", "<x").Want(t, 400)
	post(mia, "/dav/", good).Want(t, 405)
	post(mia, "/dav/none/", good).Want(t, 404)
	post(mia, "/caldav/mia/", good).Want(t, 405)
	post(mia, "/caldav/mia/calendar/", good).Want(t, 201)
	post(mia, "/caldav/mia/inbox/", good).Want(t, 201)
	mia.Do("POST", "/dav/home/", good, "Content-Type", "text/plain").Want(t, 405)
	mia.Do("DELETE", "/dav/.push/x", "").Want(t, 404)
	mia.Do("DELETE", "/dav/.push/99999999999999999999", "").Want(t, 404)
	mia.Do("DELETE", "/dav/.push/", "").Want(t, 404)
	mia.Do("MKCOL", "/dav/home/s/", "").Want(t, 201)
	link, _ := w.Link("mia", "~mia/s", davtest.NewLink{Rights: "level:editor"})
	post(w.As(""), link+"/", good).Want(t, 403, "push-not-available")
	w.As("").Do("PROPFIND", link+"/", pushProps, "Depth", "0").Want(t, 207, "!vapid")
	w.As("").Do("DELETE", link+"/.push/1", "").Want(t, 404)

	post(mia, "/caldav/mia/calendar/", good).Want(t, 204)

	// Where no service is allowed there is nothing of it to be seen.
	w.allow()
	post(mia, "/dav/home/", good).Want(t, 403, "push-not-available")
	mia.Do("PROPFIND", "/dav/home/", pushProps, "Depth", "0").Want(t, 207, "!vapid", "!sync-level")
	if r := mia.Do("OPTIONS", "/dav/home/", ""); strings.Contains(r.Header.Get("Dav"), "push") || strings.Contains(r.Header.Get("Allow"), "POST") {
		t.Errorf("%v", r.Header)
	}
}

// A phone hears of what is changed in a calendar, of what it is invited to, and of what
// is shared with it.
func TestPushOfCalendars(t *testing.T) {
	t.Parallel()
	w := newWatch(t, "lena", "mia")
	lena, mia := w.As("lena"), w.As("mia")
	event := func(uid string) string {
		return fmt.Sprintf("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", uid)
	}
	put := func(c *davtest.Client, path, uid string) {
		c.Do("PUT", path, event(uid), "Content-Type", "text/calendar").Want(t, 201)
	}
	put(lena, "/caldav/lena/calendar/a.ics", "a")
	w.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{Allow: policy.See | policy.Read})
	list := mia.Do("PROPFIND", "/caldav/mia/", pushProps, "Depth", "1").Want(t, 207, "vapid-public-key")
	shared := "/caldav/mia/shared-" + between(list.Body, "/caldav/mia/shared-", "<")
	w.register(mia, shared, "mia", onContent)
	w.register(lena, "/caldav/lena/calendar/", "lena", onBoth)
	if a, b := mia.Do("PROPFIND", shared, pushProps, "Depth", "0"), lena.Do("PROPFIND", "/caldav/lena/calendar/", pushProps, "Depth", "0"); between(a.Body, "P:topic", "/P:topic") != between(b.Body, "P:topic", "/P:topic") {
		t.Errorf("two topics of one calendar: %s %s", a.Body, b.Body)
	}
	put(lena, "/caldav/lena/calendar/b.ics", "b")
	w.told("mia content", "lena content")
	lena.Do("PROPPATCH", "/caldav/lena/calendar/", `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Work</D:displayname></D:prop></D:set></D:propertyupdate>`).Want(t, 207)
	w.told("lena props")
	w.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{})
	put(lena, "/caldav/lena/calendar/c.ics", "c")
	w.told("lena content")
}
