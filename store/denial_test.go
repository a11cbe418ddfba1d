package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"davit/policy"
)

// refusals are the lines of refusals, the oldest first.
func (of *office) refusals() (lines []AuditLine) {
	of.t.Helper()
	for _, l := range of.trail() {
		if l.Kind == AuditDenied {
			lines = append(lines, l)
		}
	}
	return lines
}

// idOf is the ID of the decision that an error carries.
func idOf(err error) string {
	var refused *Refused
	var quota *QuotaError
	var undelegated *Undelegated
	switch {
	case errors.As(err, &refused):
		return refused.ID
	case errors.As(err, &quota):
		return quota.ID
	case errors.As(err, &undelegated):
		return undelegated.ID
	}
	return ""
}

var aDecision = regexp.MustCompile(`^[a-z2-7]{10}$`)

// TestRefusalsAreKept: whoever is refused something visible is told an ID, under
// which the trail says what, where and why.
func TestRefusalsAreKept(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager max=viewer")
	mia, max := of.as("mia"), of.by("max", "PUT", "/dav/Team/x")
	of.mkdir(mia, "/Team/drop", "/Team/full", "/Team/little", "/Team/tree", "/Team/tree/hidden")
	of.put(mia, "/Team/file", text(1, 100))
	of.put(mia, "/Team/drop/secret", text(2, 10))
	deny := func(who string, rights policy.Rights) func(policy.Place) policy.Change {
		return func(at policy.Place) policy.Change {
			return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user(who), Deny: rights}}
		}
	}
	of.changeAt("/Team/drop", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Allow: policy.See | policy.Add}}
	})
	of.changeAt("/Team/drop/secret", deny("max", policy.All))
	of.changeAt("/Team/tree/hidden", deny("mia", policy.Add|policy.Delete|policy.DeleteOwn))
	of.quota("/Team/full", 50)
	of.quota("/Team/little", 5)
	epoch := of.st.Policy().Epoch
	expecting := func(size int64) error {
		u, err := mia.Begin(split("/Team/full/new"), -1, Terms{})
		if err != nil {
			return err
		}
		defer u.Abort()
		return u.Expect(size)
	}
	writing := func() error {
		u, err := mia.Begin(split("/Team/full/new"), -1, Terms{})
		if err != nil {
			return err
		}
		defer u.Abort()
		_, err = u.Write(text(1, 60))
		return err
	}
	giving := func() error {
		return mia.SetACL(ctx, split("/Team/file"), NewACL{
			Match: func(*Entry, string) error { return nil },
			Lines: func(Find) ([]policy.Entry, error) {
				return []policy.Entry{{Principal: of.user("mia"), Allow: policy.Read}}, nil
			},
		}, Terms{})
	}
	for _, row := range []struct {
		err     error
		what    string
		path    string
		missing policy.Rights
		line    string
	}{
		{second2(put(max, "/Team/file", nil)), "PUT", "/Team/file", policy.Write, "refused PUT /Team/file: missing write"},
		{second2(put(max, "/Team/new", nil)), "PUT", "/Team", policy.Add, "refused PUT /Team: missing add"},
		{second2(put(max, "/Team/drop/secret", nil)), "PUT", "/Team/drop/secret", 0, "refused PUT /Team/drop/secret: the name is taken by something hidden"},
		{mia.Remove(ctx, split("/Team/tree"), Terms{}), "see,delete", "/Team/tree", policy.Delete, "refused see,delete /Team/tree: missing delete"},
		{second2(put(mia, "/Team/full/x", text(1, 60))), "write", "/Team/full", 0, "over the quota of 50B, 0 bytes used and 0 reserved, 60 asked"},
		{second(mia.Copy(ctx, split("/Team/file"), split("/Team/little/x"), false, false, Terms{})), "write", "/Team/little", 0, "over the quota of 5B, 0 bytes used and 0 reserved, 100 asked"},
		{giving(), "manage", "/Team/file", 0, "refused manage /Team/file: nobody changes his own rights; ask somebody else who may: not yours to change"},
		{expecting(60), "write", "/Team/full", 0, "60 asked"},
		{writing(), "write", "/Team/full", 0, "60 asked"},
	} {
		id := idOf(row.err)
		if !aDecision.MatchString(id) {
			t.Errorf("%v carries the ID %q", row.err, id)
			continue
		}
		l, err := of.st.Operator().Decision(ctx, strings.ToUpper(id))
		if err != nil {
			t.Errorf("%v: %v", row.err, err)
			continue
		}
		d := l.Denial
		if d.What != row.what || d.Path != row.path || d.Missing != row.missing || l.Epoch != epoch || (d.Explanation == nil) == (d.Quota == nil) {
			t.Errorf("%v is kept as %+v of epoch %d", row.err, d, l.Epoch)
		}
		if d.Quota == nil && l.Lines[0] != row.line || !strings.HasSuffix(l.Lines[0], row.line) {
			t.Errorf("told as %q, want %q", l.Lines[0], row.line)
		}
	}
	x := of.refusals()[0].Denial.Explanation
	if x.Held != policy.See|policy.Read|policy.FreeBusy || len(x.Steps) != 1 || x.Steps[0].Level != "viewer" {
		t.Errorf("the explanation is %+v", x)
	}
	if _, err := of.st.Operator().Decision(ctx, "aaaaaaaaaa"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown decision: %v", err)
	}
}

// TestWhatIsNoRefusal: what answers as missing leaves no line, nor does a look
// that an operation takes in passing.
func TestWhatIsNoRefusal(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager", "Other mia=manager")
	mia, max := of.as("mia"), of.as("max")
	of.mkdir(mia, "/Team/way", "/Team/way/open")
	of.changeAt("/Team/way/open", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Allow: policy.See | policy.Read | policy.Add}}
	})
	looking := Terms{If: func(_ *Entry, look Look) error {
		look(split("/Team/way")) // a shell, of which max may not see the locks
		look(split("/Other/x"))
		return nil
	}}
	for what, err := range map[string]error{
		"a hidden space":     second(max.Stat(split("/Other"), Want{})),
		"below it":           second2(put(max, "/Other/file", nil)),
		"a missing file":     second(max.Open(split("/Team/way/open/none"), Terms{})),
		"a loop":             second(mia.Move(ctx, split("/Team/way"), split("/Team/way/open/x"), false, Terms{})),
		"the root of spaces": mia.Remove(ctx, split("/Team"), Terms{}),
		"a look in passing":  second(max.Mkdir(ctx, split("/Team/way/open/new"), looking)),
	} {
		if id := idOf(err); id != "" {
			t.Errorf("%s: %v has the decision %s", what, err, id)
		}
	}
	if lines := of.refusals(); len(lines) > 0 {
		t.Errorf("refusals: %+v", lines)
	}
}

// TestRefusalsAlike share a line for a minute and are counted into the next.
func TestRefusalsAlike(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=viewer max=viewer")
	mia := of.by("mia", "PUT", "/dav/Team/x")
	refused := func(s *Session) string { return idOf(second2(put(s, "/Team/x", nil))) }
	first := refused(mia)
	for range 41 {
		c.advance(time.Second)
		if id := refused(mia); id != first {
			t.Fatalf("a repeat got %s instead of %s", id, first)
		}
	}
	others := []string{refused(of.as("max")), refused(of.by("mia", "MOVE", "/")), first}
	c.advance(denialWindow - 42*time.Second)
	if id := refused(mia); id != first {
		t.Errorf("in the last second: %s instead of %s", id, first)
	}
	c.advance(time.Second)
	next := refused(mia)
	for _, id := range others {
		if id == next {
			t.Errorf("%v and %s: refusals unlike each other share an ID", others, next)
		}
	}
	lines := of.refusals()
	if len(lines) != 4 || lines[3].Denial.ID != next || lines[3].Denial.More != 42 || !strings.HasSuffix(lines[3].Lines[0], "(and 42 more like it before)") {
		t.Errorf("%d lines, the last is %+v", len(lines), lines[len(lines)-1])
	}
	c.advance(-time.Hour) // a window of the future is none
	if refused(mia) == next {
		t.Error("a clock that was set back keeps the window open")
	}
}

// TestCountsAreWritten when nobody is refused any more: by the next list, and at
// the end.
func TestCountsAreWritten(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=viewer")
	refuse := func() (id string) {
		for range 3 {
			id = idOf(second2(put(of.as("mia"), "/Team/x", nil)))
		}
		return id
	}
	first := refuse()
	if lines := of.refusals(); len(lines) != 1 {
		t.Errorf("%d lines within the minute", len(lines))
	}
	c.advance(denialWindow)
	counted := of.refusals()
	if len(counted) != 2 || counted[1].Denial.ID != first || counted[1].Denial.More != 2 || counted[1].Lines[0] != "refused like before: 2 more" {
		t.Errorf("after a minute: %+v", counted)
	}
	if l, err := of.st.Operator().Decision(ctx, first); err != nil || l.Denial.Explanation == nil {
		t.Errorf("the count hides the decision: %+v (%v)", l, err)
	}
	last := refuse()
	of.close()
	of.start()
	if lines := of.refusals(); len(lines) != 4 || lines[2].Denial.ID != last || lines[3].Denial.More != 2 {
		t.Errorf("after the end: %+v", lines)
	}
}

// TestRefusalsAreBounded: one account fills at most so many lines a minute; what
// is beyond shares one ID and is counted.
func TestRefusalsAreBounded(t *testing.T) {
	const paths = denialsPerUser + 20
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=editor max=viewer")
	var files []string
	for i := range paths {
		files = append(files, fmt.Sprintf("/Team/%d", i))
	}
	of.mkdir(of.as("mia"), files...)
	flood := func() (ids map[string]int) {
		ids = map[string]int{}
		for _, f := range files {
			ids[idOf(of.as("max").Remove(ctx, split(f), Terms{}))]++
		}
		return ids
	}
	ids := flood()
	if len(ids) != denialsPerUser+1 || ids[""] != 0 {
		t.Errorf("%d IDs, %d refusals without one", len(ids), ids[""])
	}
	if lines := of.refusals(); len(lines) != denialsPerUser+1 || !strings.Contains(lines[denialsPerUser].Lines[0], "are only counted") {
		t.Errorf("%d lines, the last is %+v", len(lines), lines[len(lines)-1].Lines)
	}
	c.advance(denialWindow)
	if lines := of.refusals(); lines[len(lines)-1].Denial.More != paths-denialsPerUser-1 {
		t.Errorf("the last line counts %+v", lines[len(lines)-1].Denial)
	}
	if again := flood(); len(again) != denialsPerUser+1 {
		t.Errorf("in the next minute there are %d IDs", len(again))
	}
}

// TestRefusalsStayInMemory at their bounds when the disk does not keep up.
func TestRefusalsStayInMemory(t *testing.T) {
	d := denials{windows: map[refusalKey]*denialsAlike{}, users: map[policy.ID]*denialRate{}}
	now := newClock().Now()
	const accounts = 100
	for i := range 2 * denialWindowMax {
		key := refusalKey{policy.ID(100 + i%accounts), "PUT", policy.Node(i)}
		if id, _ := d.add(now.Add(time.Duration(i)*time.Second), key, AuditLine{Denial: &Denial{}}); !aDecision.MatchString(id) {
			t.Fatalf("refusal %d got the ID %q", i, id)
		}
	}
	if len(d.queue) > denialQueueMax || len(d.windows) > denialWindowMax+accounts {
		t.Errorf("%d lines and %d windows are held", len(d.queue), len(d.windows))
	}
	counted := 0
	for _, l := range d.take(now, allWindows) {
		if l.Denial.More > 0 {
			counted += l.Denial.More
		} else {
			counted++
		}
	}
	if counted != 2*denialWindowMax || len(d.windows) != 0 {
		t.Errorf("%d refusals of %d are told, %d windows left", counted, 2*denialWindowMax, len(d.windows))
	}
}

// TestRefusalsInACrowd: the trail stays whole when all are refused at once, and
// the policy changes meanwhile.
func TestRefusalsInACrowd(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=viewer max=viewer")
	var crowd sync.WaitGroup
	for i := range 8 {
		crowd.Go(func() {
			for j := range 20 {
				s := of.by([]string{"mia", "max"}[i%2], fmt.Sprintf("PUT%d", j), "/")
				if id := idOf(second2(put(s, "/Team/x", nil))); !aDecision.MatchString(id) {
					t.Errorf("the ID is %q", id)
				}
			}
		})
	}
	crowd.Go(func() {
		for range 10 {
			of.level("Team", "mia", "viewer")
		}
	})
	crowd.Wait()
	if lines := of.refusals(); len(lines) != 40 {
		t.Errorf("%d lines of 2 people refused 20 methods each", len(lines))
	}
}
