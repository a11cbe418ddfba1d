package text

import (
	"os"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// lines are statements as people write them, and their canonical form.
var lines = map[string]string{
	"profile standard": "profile standard functions=all quota=none",
	"profile p quota=10000MB functions=mobile,dav":      "profile p functions=chan.desktop,chan.mobile quota=10GB",
	"profile p functions=":                              "profile p functions=none quota=none",
	"group staff # who works here":                      "group staff",
	"\tgroup   \"the staff\"":                           `group "the staff"`,
	"role auditor":                                      "role auditor",
	"user mia":                                          "user mia type=member profile=standard",
	"user mia state=active quota=profile language=\"\"": "user mia type=member profile=standard",
	"user mia email=m@x.org type=guest quota=1000KB":    "user mia type=guest profile=standard quota=1MB email=m@x.org",
	"member role:auditor group:staff":                   "member role:auditor group:staff",
	"space Finance owner=mia":                           "space Finance kind=group-folder owner=mia",
	`space "type=x" kind=room`:                          `space "type=x" kind=room`,
	`space C#`:                                          "space C# kind=group-folder",
	`space "#1"`:                                        `space "#1" kind=group-folder`,
	`space "a\"b\\c"`:                                   `space "a\"b\\c" kind=group-folder`,
	"drive ~mia state=archived":                         "drive ~mia state=archived",
	"level Finance members editor+share":                "level Finance members editor+share",
	"level Finance links read,see":                      "level Finance links see,read",
	"level F user:mia none deny=write,all":              "level F user:mia none deny=all",
	"pin F user:mia":                                    "pin F user:mia",
	"quota /F/a 5000000":                                "quota /F/a 5MB",
	"quota ~mia/a 5GB":                                  "quota ~mia/a 5GB",
	"acl /F group:x deny=write allow=level:editor":      "acl /F group:x allow=level:editor deny=write",
	"acl /F group:x allow=none revoke=all":              "acl /F group:x revoke=all",
	"acl /F role:x allow=read class=dav,web until=2030-01-01T02:00:00+02:00": "acl /F role:x allow=read class=web,dav until=2030-01-01T00:00:00Z",
	"acl \"/F/Cafe\u0301\" members allow=see":                                "acl /F/Caf\u00e9 members allow=see",
	"cut \"/F/a b\"":     `cut "/F/a b"`,
	"cut /F rank=owner":  "cut /F",
	"cut /F rank=member": "cut /F rank=member",
	"acl /F user:mia deny=read rank=admin network=outside,inside": "acl /F user:mia deny=read rank=admin network=inside,outside",
	"profile p file-max=2000MB link-days=007":                     "profile p functions=all quota=none file-max=2GB link-days=7",
	"user mia expires=2030-01-01T00:00:00Z":                       "user mia type=member profile=standard expires=2030-01-01T00:00:00Z",
	"user mia expires=never":                                      "user mia type=member profile=standard",
	"manager group:a user:mia":                                    "manager group:a user:mia",
	"space F kind=room template=data-room own-hour=90m":           "space F kind=room template=data-room own-hour=90m",
	"space F own-hour=60m template=\"\"":                          "space F kind=group-folder",
	"drive ~mia own-hour=0s":                                      "drive ~mia own-hour=none",
	"share /F/a to=user:max by=mia rights=level:editor+share label=\"for review\" until=2030-01-01T00:00:00Z": `share /F/a by=mia to=user:max rights=level:editor+share until=2030-01-01T00:00:00Z label="for review"`,
	"share /F by=mia to=members number=02 rights=see made=2026-01-01T00:00:00Z":                               "share /F by=mia to=members number=2 rights=see made=2026-01-01T00:00:00Z",
	"settings inside=10.0.0.0/8 links=off":                                                                    "settings links=off link-days=90 link-password=optional guests=on sharing=any two-factor=off admin-reads=never lockout-after=10 trash-days=30 version-days=90 versions=100 inbox-days=30 mail-server=none mail-tls=starttls mail-user=none mail-from=none fetch-hosts=none push-hosts=none inside=10.0.0.0/8",
	"cut \"/F/a\u202eb\"":                                                                                     `cut "/F/a\u202eb"`,
	"assert max must not read,level:editor+share /F":                                                          "assert max must not read,level:editor+share /F",
	"assert max must read /F class=mobile":                                                                    "assert max must read /F class=mobile",
	"assert must must read /F at=2026-05-01T00:00:00.5Z":                                                      "assert must must read /F at=2026-05-01T00:00:00Z",
}

func TestCanonicalLines(t *testing.T) {
	for line, want := range lines {
		f, err := Parse([]byte("davit-policy 1\n" + line))
		if err != nil || len(f.Statements) != 1 {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := f.Statements[0].String(); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
		again, err := Parse([]byte("davit-policy 1\n" + want))
		if err != nil || again.Statements[0].String() != want {
			t.Errorf("%s is no fixed point: %v", want, err)
		}
	}
}

func TestFaults(t *testing.T) {
	long := strings.Repeat("x", LineMax+1)
	for text, want := range map[string]string{
		"":                                             "line 1: the text is empty; begin it with: davit-policy 1",
		"group staff":                                  "line 1: begin the text with: davit-policy 1",
		"davit-policy 0":                               "line 1: begin the text",
		"davit-policy 2\nwho knows":                    "line 1: davit-policy 2 was written by a newer davit; this one reads up to 1",
		"\ufeffdavit-policy 1\n":                       "line 1: begins with a byte order mark",
		"davit-policy 1\r\ngroup a\r\n":                "line 1: ends in CR LF",
		"davit-policy 1\ngroup a\r\n":                  "line 2: ends in CR LF",
		"davit-policy 1\ngroup \xff":                   "line 2: not valid UTF-8",
		"davit-policy 1\ngroup \"\\xff\"":              "line 2: \"\\xff\" holds a control character, or no UTF-8",
		"davit-policy 1\ngroup \x00":                   "line 2: holds a control character",
		"davit-policy 1\ngroup \"\\n\"":                "line 2: \"\\n\" holds a control character",
		"davit-policy 1\n# " + long:                    "line 2: longer than",
		"davit-policy 1\n\ngrup staff":                 `line 3: no statement "grup" (statements: complete settings profile`,
		"davit-policy 1\n\"group\" staff":              `line 2: no statement "group"`,
		"davit-policy 1\ngroup \"staff":                "line 2: a quote is open",
		"davit-policy 1\ngroup st\"aff\"":              "line 2: a quote inside of st\"aff\"",
		"davit-policy 1\ngroup \"a\"b":                 "line 2: leave a blank after \"a\"",
		"davit-policy 1\ngroup":                        "line 2: NAME is missing; write: group NAME",
		"davit-policy 1\nuser type=guest":              "line 2: NAME is missing; write: user NAME [type=]",
		"davit-policy 1\ngroup a b":                    `line 2: "b" is too much`,
		"davit-policy 1\ngroup a size=1":               "line 2: no option size=",
		"davit-policy 1\nuser a type=king":             `line 2: "king" is none of: owner admin`,
		"davit-policy 1\nuser a type=guest type=guest": "line 2: type= stands there twice",
		"davit-policy 1\ngroup a\nrole a\ngroup A":     "line 4: group A stands in line 2 already",
		"davit-policy 1\nuser a\nuser a type=guest":    "line 3: user a stands in line 2 already",
		"davit-policy 1\nassert a must read /F\nassert a must not read /F":                        "line 3: assert a read /F stands in line 2 already",
		"davit-policy 1\nacl /F members allow=read\nacl /f members deny=read":                     "line 3: acl /f members stands in line 2",
		"davit-policy 1\nacl /F members deny=read class=web\nacl /F members deny=read class=web":  "line 3: acl /F members class=web stands",
		"davit-policy 1\ncomplete\ncomplete":                                                      "line 3: complete stands in line 2 already",
		"davit-policy 1\nlevel F mia editor":                                                      `line 2: "mia" cannot stand here; write user:NAME`,
		"davit-policy 1\nlevel F members:x editor":                                                `line 2: "members:x" cannot stand here`,
		"davit-policy 1\nmember role:a role:b":                                                    `line 2: "role:b" cannot stand here; write user:NAME, group:NAME`,
		"davit-policy 1\nlevel F user:mia editr":                                                  `line 2: no level "editr"`,
		"davit-policy 1\nlevel F user:mia none":                                                   "line 2: a level of none",
		"davit-policy 1\nacl /F user:mia allow=reed":                                              `line 2: no right "reed"`,
		"davit-policy 1\nacl /F user:mia allow=":                                                  "line 2: a line says at least one right",
		"davit-policy 1\nacl /F user:mia allow=read class=tv":                                     `line 2: no client class "tv"`,
		"davit-policy 1\nacl /F user:mia allow=read from=tomorrow":                                `line 2: no time "tomorrow"`,
		"davit-policy 1\nacl /F/ user:mia allow=read":                                             `line 2: "/F/" is no path`,
		"davit-policy 1\nacl F user:mia allow=read":                                               `line 2: "F" is no path`,
		"davit-policy 1\nacl /~mia user:mia allow=read":                                           `line 2: "/~mia" is no path`,
		"davit-policy 1\ncut /F/../G":                                                             `line 2: "/F/../G" is no path`,
		"davit-policy 1\nquota /F 5GB":                                                            "line 2: the limit of a whole space",
		"davit-policy 1\nquota /F/a none":                                                         "line 2: no limit is said by leaving",
		"davit-policy 1\nquota /F/a much":                                                         `line 2: size "much"`,
		"davit-policy 1\ndrive mia state=archived":                                                `line 2: "mia" is no drive`,
		"davit-policy 1\ndrive ~mia":                                                              "line 2: a drive that is active, with the own hour of all, needs no line",
		"davit-policy 1\nacl /F user:mia allow=read rank=admin":                                   "line 2: rank= is the rank of who set a wall",
		"davit-policy 1\nlevel F user:mia viewer rank=guest":                                      "line 2: rank= is the rank of who set a wall",
		"davit-policy 1\nacl /F user:mia deny=read rank=king":                                     `line 2: "king" is none of: owner`,
		"davit-policy 1\nacl /F user:mia allow=read network=moon":                                 `line 2: no network "moon"`,
		"davit-policy 1\nassert a must read /F network=inside,outside":                            `line 2: "inside,outside" are two networks`,
		"davit-policy 1\nuser a expires=soon":                                                     `line 2: no time "soon"`,
		"davit-policy 1\nspace F own-hour=1500ms":                                                 `line 2: "1500ms" is no time in hours`,
		"davit-policy 1\nspace F own-hour=-1h":                                                    `line 2: "-1h" is no time in hours`,
		"davit-policy 1\nspace F template=ballroom":                                               `line 2: "ballroom" is none of: public`,
		"davit-policy 1\nprofile p link-days=many":                                                `line 2: "many" is no number`,
		"davit-policy 1\nsettings links=perhaps":                                                  "line 2: links=perhaps: write on or off",
		"davit-policy 1\nsettings colour=red":                                                     "line 2: no option colour=",
		"davit-policy 1\nsettings\nsettings links=on":                                             "line 3: settings stands in line 2 already",
		"davit-policy 1\nmanager group:a group:b":                                                 `line 2: "group:b" cannot stand here; write user:NAME`,
		"davit-policy 1\nshare /F by=mia rights=read":                                             "line 2: to= is missing; write: share PATH",
		"davit-policy 1\nshare /F by=mia to=links rights=read":                                    `line 2: "links" cannot stand here`,
		"davit-policy 1\nshare /F by=mia to=members rights=read number=1":                         "line 2: the first has no number",
		"davit-policy 1\nshare /F by=a to=user:b rights=see\nshare /F by=A to=user:B rights=read": "line 3: share /F by=A to=user:B stands in line 2",
		"davit-policy 1\nprofile p functions=fly":                                                 `line 2: no function "fly"`,
		"davit-policy 1\nassert a should read /F":                                                 "line 2: must is missing; write: assert USER must [not] RIGHTS PATH",
		"davit-policy 1\nassert a must none /F":                                                   `line 2: "none" asks for no right`,
		"davit-policy 1\nassert a must read /F class=web,dav":                                     `line 2: "web,dav" are several classes`,
	} {
		f, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", clip(text), err, want)
		}
		if err != nil && (f.Complete || len(f.Statements) > 0) {
			t.Errorf("%q: a part was read", clip(text))
		}
		if err != nil && strings.Contains(err.Error(), ": "+policy.ErrInvalid.Error()) {
			t.Errorf("%q: %v", clip(text), err)
		}
	}
}

// TestFaultsAreCounted: all faults are told up to a limit, each with its line.
func TestFaultsAreCounted(t *testing.T) {
	text := "davit-policy 1\n" + strings.Repeat("what\n", faultsMax+3)
	_, err := Parse([]byte(text))
	if err == nil {
		t.Fatal("no error")
	}
	told := strings.Split(err.Error(), "\n")
	if len(told) != faultsMax+1 || !strings.HasPrefix(told[1], "line 3: ") || told[faultsMax] != "and 3 more" {
		t.Errorf("%q", told)
	}
}

func TestLimits(t *testing.T) {
	if _, err := Parse(make([]byte, SizeMax+1)); err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("size: %.200v", err)
	}
	p := parser{seen: map[string]int{}, file: File{Statements: make([]Statement, StatementsMax)}}
	p.read([]byte("davit-policy 1\ngroup a\ngroup b\n"))
	if err := p.faults.Err(); err == nil || err.Error() != "line 2: more than 1048576 statements" {
		t.Errorf("statements: %v", err)
	}
}

func parseOne(t *testing.T, line string) Statement {
	t.Helper()
	f, err := Parse([]byte("davit-policy 1\n" + line))
	if err != nil || len(f.Statements) != 1 {
		t.Fatalf("%s: %v", line, err)
	}
	return f.Statements[0]
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct{ was, want, differ string }{
		{"profile p quota=10GB", "profile P quota=20GB", "name p -> P; quota 10GB -> 20GB"},
		{"user a email=a@b", "user a profile=STANDARD", "email a@b -> (nothing)"},
		{"level F group:a viewer", "level f group:A editor", "level viewer -> editor"},
		{"acl /F members allow=read", "acl /f members allow=read", ""},
		{"acl /F/a members allow=read", "acl /F/a members deny=read", "allow read -> (nothing); deny (nothing) -> read"},
		{"quota /F/a 1GB", "quota /F/a 2GB", "size 1GB -> 2GB"},
	} {
		was, want := parseOne(t, c.was), parseOne(t, c.want)
		if was.Key() != want.Key() {
			t.Errorf("%s and %s are not about the same", c.was, c.want)
		}
		if got := strings.Join(want.Differences(&was), "; "); got != c.differ {
			t.Errorf("%s, %s: %q, want %q", c.was, c.want, got, c.differ)
		}
	}
	a, b := parseOne(t, "acl /F/a members allow=read"), parseOne(t, "acl /F/A members allow=read")
	if a.Key() == b.Key() {
		t.Error("names of files are folded")
	}
}

// TestKeep: what a line leaves out stays, and what it clears goes.
func TestKeep(t *testing.T) {
	was := parseOne(t, "user mia type=admin email=m@x.org language=en quota=1GB")
	want := parseOne(t, `user mia profile=light email=""`).Keep(&was)
	if got := want.String(); got != `user mia type=admin profile=light quota=1GB language=en` {
		t.Error(got)
	}
}

// TestOrder: a file is written in one order, whatever the order it is given in.
func TestOrder(t *testing.T) {
	in := []string{"davit-policy 1", "cut /F/a/b", "cut /F/a b", "cut /F/a", "complete", "group b", "role a", "group a", "user z", "# nothing"}
	in[2] = `cut "/F/a b"`
	f, err := Parse([]byte(strings.Join(in, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	f.Remarks = []string{"the end"}
	want := "davit-policy 1\n\ncomplete\n\ngroup a\ngroup b\n\nrole a\n\nuser z type=member profile=standard\n\ncut /F/a\ncut /F/a/b\ncut \"/F/a b\"\n\n# the end\n"
	if got := string(Format(f)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	slices.Reverse(f.Statements)
	if got := string(Format(f)); got != want {
		t.Errorf("reversed: %s", got)
	}
}

func TestEntriesAreTold(t *testing.T) {
	editor, err := policy.LevelRights("editor")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		entry        policy.Entry
		allow, level string
	}{
		{policy.Entry{Level: "editor", Allow: editor}, "level:editor", "editor"},
		{policy.Entry{Level: "editor+share", Allow: editor | policy.Reshare}, "level:editor+share", "editor+share"},
		{policy.Entry{Level: "viewer", Allow: policy.See}, "see", "see"},
		{policy.Entry{Level: "gone", Allow: policy.See | policy.Read}, "see,read", "see,read"},
		{policy.Entry{Allow: policy.All}, "all", "all"},
		{policy.Entry{Deny: policy.See}, "", "none"},
	} {
		allow, level := Allowed(&c.entry), LevelOf(&c.entry)
		if allow != c.allow || level != c.level {
			t.Errorf("%+v: %s and %s, want %s and %s", c.entry, allow, level, c.allow, c.level)
		}
		if _, set, err := ParseLevel(level); err != nil || set != c.entry.Allow {
			t.Errorf("level %s: %v, %v", level, set, err)
		}
		if _, set, err := ParseAllowed(allow); err != nil || set != c.entry.Allow {
			t.Errorf("allow %s: %v, %v", allow, set, err)
		}
	}
}

// TestDocs: the page about the policy shows how each kind is written.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds {
		if !strings.Contains(string(page), "\n"+k.usage()+"\n") {
			t.Errorf("docs/policy.md does not show: %s", k.usage())
		}
	}
}

// FuzzParse: whatever comes in is refused, or is a file that written out reads
// back as the same bytes.
func FuzzParse(f *testing.F) {
	for line := range lines {
		f.Add("davit-policy 1\n" + line + "\n")
	}
	f.Add("davit-policy 1\ncomplete\n\nuser \"a b\" type=guest # x\n")
	f.Fuzz(func(t *testing.T, in string) {
		file, err := Parse([]byte(in))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("%q: a fault without a line: %v", in, err)
			}
			return
		}
		out := Format(file)
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%q was written as %q, which is refused: %v", in, out, err)
		}
		if twice := Format(again); string(twice) != string(out) {
			t.Errorf("%q, then %q", out, twice)
		}
		for i := range file.Statements {
			if len(file.Statements[i].Differences(&file.Statements[i])) > 0 {
				t.Errorf("%s differs from itself", &file.Statements[i])
			}
		}
	})
}
