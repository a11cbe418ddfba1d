package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"davit/admin"
	"davit/auth"
	"davit/policy"
	"davit/store"
)

var update = flag.Bool("update", false, "write what came out into the golden files")

// TestScripts carries out the scripts of testdata/scripts and compares what is
// printed word for word, once over the data directory and once through the
// control socket of a server: no difference can be seen.
//
//	$ davit user add mia --password-stdin < correct horse
//	user mia added
//	$ davit matrix apply - < user,Team\nmia,editor\n
//	$ davit user show bob
//	! davit: no user "bob"       a line on standard error
//	= 3                          an exit code other than 0
//	@ mia mkdir /Finance/2026    what a user does, by a session of the store
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name+"/direct", func(t *testing.T) { t.Parallel(); perform(t, file, newDesk(t)) })
		t.Run(name+"/served", func(t *testing.T) { t.Parallel(); perform(t, file, newServedDesk(t)) })
	}
}

// ownerPassword is that of ann, whom every desk has as owner.
const ownerPassword = "correct horse"

// A desk is where an operator sits: a data directory, and a server over it or
// not.
type desk struct {
	t   *testing.T
	dir string
	st  *store.Store // of the server, nil without one
	// decision is the ID of the refusal that was shown first by the last command
	// that showed any.
	decision string
	// moment is the one that was shown last: MOMENT in a script.
	moment string
	// shares are the IDs of shares and links in the order in which they were made:
	// S1, S2 and so on in a script.
	shares []string
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, dir: filepath.Join(t.TempDir(), "data")}
	if code, out, errs := d.davit(ownerPassword, "init", "--owner", "ann", "--password-stdin"); code != exitDone {
		t.Fatalf("init: exit code %d\n%s%s", code, out, errs)
	}
	t.Cleanup(func() { d.open(d.check) })
	return d
}

func newServedDesk(t *testing.T) *desk {
	d := newDesk(t)
	st, err := openStore(d.dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := admin.Listen(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- admin.New(st, auth.New(st, auth.Options{})).Serve(ctx, l, slog.New(slog.DiscardHandler))
	}()
	d.st = st
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve the control socket: %v", err)
		}
		d.st = nil
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// davit carries out one command line at the desk.
func (d *desk) davit(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"--data", d.dir}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// must is davit for what has to succeed.
func (d *desk) must(args ...string) string {
	d.t.Helper()
	code, out, errs := d.davit(ownerPassword, args...)
	if code != exitDone {
		d.t.Fatalf("davit %q: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// open lends the desk's store, the server's or its own.
func (d *desk) open(use func(*store.Store)) {
	d.t.Helper()
	if d.st != nil {
		use(d.st)
		return
	}
	st, err := store.Open(d.dir, store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	use(st)
	if err := st.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) check(st *store.Store) {
	found, err := st.Check(context.Background())
	if err != nil || len(found.Faults) > 0 {
		d.t.Errorf("check: %v\n%s", err, strings.Join(found.Faults, "\n"))
	}
	if v, err := st.Operator().VerifyAudit(context.Background()); err != nil || v.Fault != "" {
		d.t.Errorf("verify the audit trail: %v %s", err, v.Fault)
	}
}

// as does something to content in a user's name, and gives the error as text.
func (d *desk) as(user, verb, path, content string) (result string) {
	p, err := admin.ParsePath(path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.open(func(st *store.Store) {
		u := st.Policy().UserNamed(user)
		if u == nil {
			d.t.Fatalf("no user %q", user)
		}
		s := st.Login(store.Credential{User: u.ID, Mask: policy.All, Class: policy.DAV})
		switch verb {
		case "mkdir":
			_, err = s.Mkdir(context.Background(), p, store.Terms{})
		case "put":
			err = put(s, p, content)
		case "remove":
			err = s.Remove(context.Background(), p, store.Terms{})
		default:
			d.t.Fatalf("nobody knows how to %s", verb)
		}
	})
	if err != nil {
		return fmt.Sprintf("! %v\n", err)
	}
	return ""
}

func put(s *store.Session, p store.Path, content string) error {
	u, err := s.Begin(p, int64(len(content)), store.Terms{})
	if err != nil {
		return err
	}
	defer u.Abort()
	if _, err := u.Write([]byte(content)); err != nil {
		return err
	}
	_, _, err = u.Commit(context.Background(), store.Meta{})
	return err
}

func perform(t *testing.T, file string, d *desk) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "$ davit "):
			got.WriteString(line + "\n" + d.transcript(strings.TrimPrefix(line, "$ davit ")))
		case strings.HasPrefix(line, "@ "):
			words := append(words(t, strings.TrimPrefix(line, "@ ")), "")
			got.WriteString(line + "\n" + d.as(words[0], words[1], words[2], words[3]))
		case strings.HasPrefix(line, "#"):
			got.WriteString(line + "\n")
		}
	}
	golden(t, file, got.String())
}

// golden compares a file with what came out, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(wantLines), len(gotLines)) {
		at := func(lines []string) string {
			if i < len(lines) {
				return lines[i]
			}
			return "(end)"
		}
		if at(wantLines) != at(gotLines) {
			t.Fatalf("%s:%d:\nwant %s\ngot  %s", file, i+1, at(wantLines), at(gotLines))
		}
	}
}

// transcript carries out a command line and writes down what can be seen of it.
func (d *desk) transcript(line string) string {
	command, stdin, _ := strings.Cut(line, " < ")
	command = strings.ReplaceAll(command, " ID", " "+d.decision)
	command = strings.ReplaceAll(command, " MOMENT", " "+d.moment)
	for i, id := range d.shares {
		command = strings.NewReplacer(fmt.Sprintf(" S%d", i+1), " "+id, fmt.Sprintf(":S%d", i+1), ":"+id).Replace(command)
	}
	code, out, errs := d.davit(strings.ReplaceAll(stdin, `\n`, "\n"), words(d.t, command)...)
	if shown := anyDecision.FindStringSubmatch(out); shown != nil {
		d.decision = shown[1]
	}
	if shown := standing.FindStringSubmatch(out); shown != nil {
		d.moment = shown[1]
	}
	if strings.HasPrefix(command, "share ") || strings.HasPrefix(command, "link ") {
		d.open(d.meetShares)
	}
	var b strings.Builder
	b.WriteString(out)
	for line := range strings.Lines(errs) {
		b.WriteString("! " + line)
	}
	if code != exitDone {
		fmt.Fprintf(&b, "= %d\n", code)
	}
	return d.steady(b.String())
}

// meetShares notes the IDs of shares that are new.
func (d *desk) meetShares(st *store.Store) {
	list, err := st.Operator().Shares(func(*policy.State, *policy.Share) bool { return true })
	if err != nil {
		d.t.Fatal(err)
	}
	for _, sh := range list {
		if id := strconv.FormatUint(uint64(sh.ID), 36); !slices.Contains(d.shares, id) {
			d.shares = append(d.shares, id)
		}
	}
}

var (
	anySecret = regexp.MustCompile(`davit(-[a-z2-7]{4}){8}`)
	anyMoment = regexp.MustCompile(`\d{4}-\d\d-\d\d( \d\d:\d\d|T[0-9:.]+(Z|[+-]\d\d:\d\d))`)
	anySeal   = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	// What follows is the ID of a refusal; ID in a command is the newest one shown.
	anyDecision = regexp.MustCompile(`decision ([a-z2-7]{10})\b`)
	standing    = regexp.MustCompile(` as it was at (\S+)`)
	endBlanks   = regexp.MustCompile(` +\n`)
	anyToken    = regexp.MustCompile(`/s/[a-z2-7]{32}/`)
	shareColumn = regexp.MustCompile(`(?m)^(id|S\d+) +`)
)

// steady replaces what is different each time.
func (d *desk) steady(text string) string {
	text = strings.ReplaceAll(text, d.dir, "DATA")
	text = anySecret.ReplaceAllString(text, "SECRET")
	text = anyMoment.ReplaceAllString(text, "TIME")
	text = anySeal.ReplaceAllString(text, "SEAL")
	text = anyDecision.ReplaceAllString(text, "decision ID")
	text = anyToken.ReplaceAllString(text, "/s/TOKEN/")
	for i, id := range d.shares {
		named := regexp.MustCompile(`(?m)(^|davit: |remove |share "?|link |link:|"id": ")` + id + `\b`)
		text = named.ReplaceAllString(text, fmt.Sprintf("${1}S%d", i+1))
	}
	text = shareColumn.ReplaceAllString(text, "$1  ") // its width is that of the IDs
	return endBlanks.ReplaceAllString(text, "\n")
}

// words splits a line at its spaces, but not between quotes.
func words(t *testing.T, line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	if strings.Count(line, `"`)%2 == 1 {
		t.Fatalf("a quote is open: %s", line)
	}
	return out
}
