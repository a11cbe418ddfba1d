package caldav_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// mailing is a company that sends mail, with its clock.
func mailing(t *testing.T, people ...string) (*davtest.Server, *time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := company(t, store.Options{Clock: func() time.Time { return now }}, people...)
	carryMail(s)
	return s, &now
}

func carryMail(s *davtest.Server) {
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		set := p.Settings()
		set.MailServer, set.MailFrom = "smtp.example.com:587", "calendar@example.com"
		return []policy.Change{policy.PutSettings{Settings: set}}, nil
	})
}

// next is the letter that is to be sent now.
func next(t *testing.T, s *davtest.Server) store.Letter {
	t.Helper()
	l, _, found, err := s.Store.Operator().NextLetter()
	if err != nil || !found {
		t.Fatalf("no letter: %v", err)
	}
	return l
}

func waiting(t *testing.T, s *davtest.Server) (list []string) {
	t.Helper()
	letters, _, err := s.Store.Operator().Letters()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		list = append(list, l.Method+" "+l.To)
	}
	return list
}

// Messages to people outside wait to be mailed, when mail is carried.
func TestPeopleOutside(t *testing.T) {
	t.Parallel()
	s, now := mailing(t, "lena", "mia")
	lena := s.As("lena")
	put(lena, "/caldav/lena/calendar/plan.ics", meeting("plan", []string{"Guest", "other", "/principals/users/nobody/", "no address"})).Want(t, 201)
	content(t, lena, "/caldav/lena/calendar/plan.ics", "SCHEDULE-STATUS=1.1:mailto:Guest@", "SCHEDULE-STATUS=1.1:mailto:other@", "SCHEDULE-STATUS=3.7:/principals/", "SCHEDULE-STATUS=3.7:mailto:no address")
	op, ctx := s.Store.Operator(), context.Background()
	letter := next(t, s)
	if letter.To != "guest@example.com" || letter.From != "lena@example.com" || letter.FromName != "lena" || letter.Method != "REQUEST" ||
		letter.UID != "plan" || letter.Before != nil || !strings.Contains(string(letter.Body), "METHOD:REQUEST") || strings.Contains(string(letter.Body), "SCHEDULE-STATUS") {
		t.Fatalf("%+v", letter)
	}
	if err := op.LetterFailed(ctx, letter.Number, "nobody listens", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	second := next(t, s)
	if second.To != "other@example.com" {
		t.Fatalf("%+v", second)
	}
	if err := op.LetterSent(ctx, second.Number); err != nil {
		t.Fatal(err)
	}
	if l, then, found, _ := op.NextLetter(); found || !then.Equal(now.Add(time.Hour)) {
		t.Errorf("what failed is tried again at once, or at %v: %+v", then, l)
	}
	// What comes later to the same person about the same thing waits with it.
	lena.Do("DELETE", "/caldav/lena/calendar/plan.ics", "").Want(t, 204)
	if l := next(t, s); l.To != "other@example.com" || l.Method != "CANCEL" || l.Before == nil {
		t.Errorf("%+v", l)
	}
	*now = now.Add(2 * time.Hour)
	again := next(t, s)
	if again.Number != letter.Number || again.Tries != 1 || again.Fault != "nobody listens" {
		t.Errorf("%+v", again)
	}
	mia := s.Store.Policy().UserNamed("mia").ID
	if _, _, _, err := op.As(policy.Subject{User: mia, Mask: policy.All}, "test").NextLetter(); err == nil {
		t.Error("somebody reads the mail of all")
	}
	lines, err := op.Audit(ctx, store.AuditQuery{Text: "other@example.com"})
	if err != nil || len(lines) < 2 || !strings.Contains(fmt.Sprint(lines), "from lena@example.com to other@example.com: taken by the mail server") {
		t.Errorf("the trail tells of %v, %v", lines, err)
	}
}

// A letter that cannot be delivered is told in the object, for as long as no other one
// to the same person is on its way, and changes no schedule tag. RFC 6638, section 3.2.9
func TestUndelivered(t *testing.T) {
	t.Parallel()
	s, _ := mailing(t, "lena", "mia")
	lena, op, ctx := s.As("lena"), s.Store.Operator(), context.Background()
	const at = "/caldav/lena/calendar/plan.ics"
	refuse := func() {
		t.Helper()
		if err := op.LetterRefused(ctx, next(t, s).Number, "550 nobody here"); err != nil {
			t.Fatal(err)
		}
	}
	put(lena, at, meeting("plan", []string{"guest", "mia"})).Want(t, 201)
	before := content(t, lena, at, "SCHEDULE-STATUS=1.1:mailto:guest@")
	refuse()
	after := content(t, lena, at, "SCHEDULE-STATUS=5.1:mailto:guest@", "SCHEDULE-STATUS=1.2:mailto:mia@")
	if before.Header.Get("Schedule-Tag") != after.Header.Get("Schedule-Tag") || before.Header.Get("ETag") == after.Header.Get("ETag") {
		t.Errorf("tags %v, then %v", before.Header, after.Header)
	}
	put(lena, at, strings.Replace(after.Body, "SUMMARY:Plan", "SUMMARY:Another", 1)).Want(t, 204)
	put(lena, at, strings.Replace(after.Body, "SUMMARY:Plan", "SUMMARY:Third", 1)).Want(t, 204)
	refuse()
	content(t, lena, at, "SCHEDULE-STATUS=1.1:mailto:guest@", "SUMMARY:Third")
	refuse()
	content(t, lena, at, "SCHEDULE-STATUS=5.1:mailto:guest@", "SUMMARY:Third")
	// Of what is gone nothing is left to tell it.
	lena.Do("DELETE", at, "").Want(t, 204)
	refuse()
	if left := waiting(t, s); len(left) != 0 {
		t.Errorf("%q wait", left)
	}
	lines, err := op.Audit(ctx, store.AuditQuery{Text: "not delivered: 550 nobody here"})
	if err != nil || len(lines) != 4 {
		t.Errorf("the trail tells of %d, %v", len(lines), err)
	}
}

// The answer of somebody outside comes to the organizer by mail: what the organizer's
// program notes of it is kept, and invites nobody anew.
func TestAnswerByMail(t *testing.T) {
	t.Parallel()
	s, _ := mailing(t, "lena", "mia")
	lena := s.As("lena")
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, meeting("plan", []string{"guest", "mia"})).Want(t, 201)
	inbox := len(listed(t, s.As("mia"), "/caldav/mia/inbox/"))
	put(lena, at, answer(content(t, lena, at).Body, "guest", "ACCEPTED")).Want(t, 204)
	content(t, lena, at, "ACCEPTED")
	if left := waiting(t, s); len(left) != 1 {
		t.Errorf("%q wait", left)
	}
	if n := len(listed(t, s.As("mia"), "/caldav/mia/inbox/")); n != inbox {
		t.Errorf("mia was told %d times", n)
	}
	// To an organizer outside the answer goes by mail.
	put(s.As("mia"), "/caldav/mia/calendar/out.ics", answer(meetingOf("outside", "out", []string{"mia"}), "mia", "TENTATIVE")).Want(t, 201)
	if left := waiting(t, s); len(left) != 2 || left[1] != "REPLY outside@example.com" {
		t.Errorf("%q wait", left)
	}
}

// An account sends so many letters a day, and others go on.
func TestLettersADay(t *testing.T) {
	t.Parallel()
	s, now := mailing(t, "lena", "mia")
	lena := s.As("lena")
	var people []string
	for i := range 400 {
		people = append(people, fmt.Sprintf("guest%d", i))
	}
	for i := range store.LettersADay/400 + 1 {
		put(lena, fmt.Sprintf("/caldav/lena/calendar/%d.ics", i), meeting(fmt.Sprint(i), people)).Want(t, 201)
	}
	if body := content(t, lena, fmt.Sprintf("/caldav/lena/calendar/%d.ics", store.LettersADay/400)).Body; strings.Count(body, "SCHEDULE-STATUS=1.1") != store.LettersADay%400 ||
		strings.Count(body, "SCHEDULE-STATUS=5.1") != 400-store.LettersADay%400 {
		t.Errorf("%d went and %d did not", strings.Count(body, "SCHEDULE-STATUS=1.1"), strings.Count(body, "SCHEDULE-STATUS=5.1"))
	}
	put(s.As("mia"), "/caldav/mia/calendar/x.ics", meetingOf("mia", "x", []string{"guest"})).Want(t, 201)
	content(t, s.As("mia"), "/caldav/mia/calendar/x.ics", "SCHEDULE-STATUS=1.1")
	*now = now.AddDate(0, 0, 1)
	put(lena, "/caldav/lena/calendar/x.ics", meeting("x", []string{"guest"})).Want(t, 201)
	content(t, lena, "/caldav/lena/calendar/x.ics", "SCHEDULE-STATUS=1.1")
}
