package davit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// smallWorld is another world than that of the worked cases.
const smallWorld = `
format: davit-policy-cases/1
world:
  accounts: {ann: {type: owner, profile: plain}, bob: {type: member, profile: plain}, eve: {type: guest, profile: plain}}
  groups: {crew: ["user:bob", "group:night"], night: []}
  roles: {clerk: ["user:eve"]}
  profiles: {plain: {quota: 50}}
  spaces:
    deck: {kind: room, owner: ann, quota: 100, levels: {"group:crew": editor}}
    bunk: {kind: personal, owner: bob, levels: {"user:bob": manager}}
    days: {kind: mailbox, owner: bob, levels: {}}
  tree: [/deck/log.txt, /deck/hold/, /bunk/diary.txt]
cases:
`

// wrong are steps that do not come to what they want, and how the runner says so.
var wrong = []struct{ steps, says string }{
	{`{can: {who: bob, at: /deck, yes: [manage]}}`, "lacks manage"},
	{`{can: {who: bob, at: /deck/log.txt, no: [read]}}`, "should not hold read"},
	{`{can: {who: ann, at: /deck, yes: [see]}}`, "lacks see"},
	{`{can: {who: nobody, at: /deck, yes: [see]}}`, "lacks see"},
	{`{can: {who: bob, at: /deck, yes: [fly]}}`, "no right"},
	{`{can: {who: bob, at: /mast, no: [see]}}`, "no space"},
	{`{can: {who: bob, at: /days, no: [see]}}`, "mailbox spaces"},
	{`{can: {who: bob, at: /deck, no: [see], ctx: {network: outside}}}`, "should not hold see"},
	{`{can: {who: bob, at: /deck, no: [see], ctx: {network: moon}}}`, "no network"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, network: outside}}}, {can: {who: bob, at: /deck, yes: [see]}}, {can: {who: bob, at: /deck, yes: [see], ctx: {network: outside}}}`, "step 3: bob at /deck lacks see"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, network: outside}}}, {do: {who: bob, m: GET, at: /deck/log.txt}}, {do: {who: bob, m: GET, at: /deck/log.txt, ctx: {network: outside}}}`, "step 3: GET /deck/log.txt as bob: 404"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, network: outside}}}, {do: {who: bob, m: GET, at: /deck/log.txt, ctx: {network: unknown}}}`, "404 instead of"},
	{`{can: {who: bob, at: /deck, ctx: {weather: fair}}}`, "weather"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, class: [mobile]}}}, {can: {who: bob, at: /deck, yes: [see], ctx: {class: mobile}}}`, "lacks see"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, until: 9}}}, {can: {who: bob, at: /deck, yes: [see]}}`, "lacks see"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, until: 9}}}, {later: 9}, {can: {who: bob, at: /deck, no: [see]}}`, "should not hold see"},
	{`{set: {level: {space: deck, who: "user:bob", is: captain}}}`, "no level"},
	{`{set: {level: {space: deck, who: "user:bob", is: viewer}}, want: refused}`, "was accepted"},
	{`{set: {account: {user: ann, active: false}}}`, "no active owner"},
	{`{set: {group: {name: crew, add: "user:ann"}}, by: bob}`, "only admins"},
	{`{set: {group: {name: crew, add: "user:eve"}}, by: ann, want: refused}`, "was accepted"},
	{`{set: {bulk: [{cut: {at: /deck/hold}}, {level: {space: deck, who: "user:eve", is: viewer}}]}, by: ann, want: refused}`, "was accepted"},
	{`{set: {bulk: [{cut: {at: /deck/hold}}, {level: {space: deck, who: "user:bob", is: manager}}]}, by: bob}`, "needs manage"},
	{`{set: {account: {user: bob, type: admin}}, by: bob}`, "nobody changes his own rank"},
	{`{set: {account: {user: bob, type: admin}}, by: eve}`, `no user "bob"`},
	{`{set: {policy: {group-managers: {crew: [bob]}}}}, {set: {group: {name: crew, add: "user:eve"}}, by: bob}`, "would get by group:crew"},
	{`{set: {policy: {colour: red}}}`, "the instance policy colour"},
	{`{set: {policy: {guests: maybe}}}`, "write on or off"},
	{`{set: {policy: {two-factor: required}}}, {do: {who: bob, m: GET, at: /deck/log.txt}}`, "401 instead of"},
	{`{set: {policy: {lockout-after: 2}}}, {do: {who: bob, m: GET, at: /deck/log.txt, body: "bad password x2"}, want: {status: 401}}, {do: {who: bob, m: GET, at: /deck/log.txt}}`, "401 instead of"},
	{`{set: {cred: {user: bob, name: pad, spaces: [bunk]}}}, {do: {who: bob, cred: pad, m: GET, at: /bunk/diary.txt}}, {do: {who: bob, cred: pad, m: GET, at: /deck/log.txt}}`, "step 3: GET /deck/log.txt as bob: 404"},
	{`{set: {cred: {user: bob, name: pad, spaces: [bunk]}}}, {can: {who: bob, at: /deck, yes: [see], ctx: {cred: pad}}}`, "lacks see"},
	{`{set: {cred: {user: bob, name: pad}}, by: ann}`, "for himself"},
	{`{do: {who: bob, m: GET, at: "/admin/audit?limit=1"}}`, "403 instead of"},
	{`{do: {who: ann, m: GET, at: "/admin/weather"}}`, "/admin/weather"},
	{`{do: {who: ann, m: GET, at: "/admin/who?at=/deck&right=read"}, want: {hides: [bob]}}`, "shows \"bob\""},
	{`{set: {quota: {of: /deck/hold, limit: much}}}`, "much"},
	{`{set: {cut: {at: /deck/hold}, quota: {of: /deck/hold, limit: 1}}}`, "two things"},
	{`{set: {cut: {at: /deck/hold}}}, {can: {who: bob, at: /deck/hold, yes: [read]}}`, "lacks read"},
	{`{set: {state: {space: deck, is: archived}}}, {can: {who: bob, at: /deck, yes: [write]}}`, "lacks write"},
	{`{set: {owner: {space: deck, is: bob}}}, {can: {who: bob, at: /deck, no: [manage]}}`, "should not hold manage"},
	{`{matrix: {users: [ann, bob], spaces: [deck]}, want: [[none], [viewer]]}`, "[[none] [editor]]"},
	{`{whatif: {group: {name: night, add: "role:clerk"}}, want: {gain: []}}`, "gain [eve]"},
	{`{whatif: {group: {name: crew, remove: "user:bob"}}, want: {lose: []}}`, "lose [bob]"},
	{`{explain: {who: bob, at: /deck/log.txt, right: write}, want: {allow: false}}`, "allowed is true"},
	{`{explain: {who: bob, at: /deck/log.txt, right: write}, want: {because: "user:ann"}}`, "does not name"},
	{`{explain: {who: eve, at: /deck/log.txt, right: write}, want: {cut: type}}`, "does not name"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt}, want: {status: 404}}`, "200 instead of 404"},
	{`{do: {who: eve, m: GET, at: /deck/log.txt}}`, "404 instead of"},
	{`{do: {who: nobody, m: GET, at: /deck/log.txt}, want: {status: 200}}`, "401 instead of 200"},
	{`{do: {who: bob, m: PROPFIND, at: /deck, depth: 1}, want: {status: 207, shows: [cargo]}}`, "does not show"},
	{`{do: {who: bob, m: PROPFIND, at: /deck, depth: 1}, want: {status: 207, hides: [log.txt]}}`, "shows \"log.txt\""},
	{`{do: {who: bob, m: GET, at: /deck/log.txt}, want: {status: 200, etag-hidden: true}}`, "has an ETag"},
	{`{do: {who: bob, m: PUT, at: /deck/a b.txt, len: 1}}, {do: {who: bob, m: PROPFIND, at: /deck, depth: 1}, want: {hides: [a b.txt]}}`, "shows \"a b.txt\""},
	{`{do: {who: bob, m: PUT, at: /deck/big, len: 100}, want: {status: 507, pre: sufficient-disk-space}}`, "no precondition"},
	{`{do: {who: bob, m: PROPFIND, at: /deck, depth: 0}, want: {used: 2}}`, "quota-used-bytes is [1]"},
	{`{do: {who: bob, m: PROPFIND, at: /bunk, depth: 0}, want: {status: 207, used: 1, avail: 50}}`, "quota-available-bytes is [49]"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 30}, want: {status: 201, used: 1}}`, "quota-used-bytes is [31]"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 5000000000}, want: {status: 201}}`, "507 instead of 201"},
	{`{set: {cred: {user: bob, name: pad, scope: read}}}, {can: {who: bob, at: /deck, yes: [see, write], ctx: {cred: pad}}}`, "lacks write"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt}, want: {status: 200, same-as: /deck/none.txt}}`, "answers 404"},
	{`{do: {who: bob, m: GET, at: /bunk/diary.txt}, want: {status: 200, same-as: /bunk/none.txt}}`, "answers 404"},
	{`{do: {who: eve, m: GET, at: /bunk/diary.txt}}`, "404 instead of"},
	{`{do: {who: bob, m: DELETE, at: /deck/new.txt}, want: {status: 404}}`, "204 instead of 404"},
	{`{do: {who: bob, m: DELETE, at: /bunk/new/}, want: {status: 404}}`, "204 instead of 404"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt, cred: phone}}`, "no app password"},
	{`{set: {cred: {user: bob, name: pad, scope: read}}}, {do: {who: bob, cred: pad, m: PUT, at: /deck/log.txt}, want: {status: 204}}`, "403 instead of 204"},
	{`{set: {cred: {user: bob, name: pad, until: 5}}}, {later: 5}, {do: {who: bob, cred: pad, m: GET, at: /deck/log.txt}}`, "401 instead of"},
	{`{set: {acl: {at: /deck, who: "group:crew", deny: all, class: [mobile]}}}, {do: {who: bob, m: GET, at: /deck/log.txt, ctx: {class: mobile}}}`, "404 instead of"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt, body: "sing a shanty"}}`, "sing a shanty"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt, body: "If-None-Match: current"}}, {do: {who: bob, m: PUT, at: /deck/log.txt, body: "If-Match: stale"}}`, "412 instead of"},
	{`{do: {who: bob, m: LOCK, at: /deck/log.txt}}, {do: {who: bob, m: PUT, at: /deck/log.txt, body: "with its lock token"}}, {do: {who: bob, m: PUT, at: /deck/log.txt}}`, "step 3: PUT /deck/log.txt as bob: 423"},
	{`{do: {who: bob, m: LOCK, at: /deck/log.txt}}, {do: {who: bob, m: UNLOCK, at: /deck/log.txt}, want: {status: 423}}`, "204 instead of 423"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 20, body: "first half, then wait"}, want: {status: started}}, {do: {who: bob, m: continue, at: /deck/x}, want: {status: 403}}`, "201 instead of 403"},
	{`{do: {who: bob, m: continue, at: /deck/x}}`, "no upload"},
	{`{do: {who: eve, m: PUT, at: /deck/x, len: 20, body: "close after 5 bytes"}, want: {status: closed}}`, "409 instead of closed"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 20, body: "close after 5 bytes"}, want: {status: closed}}, {do: {who: bob, m: GET, at: /deck/x}}`, "404 instead of"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 20, body: "5 bytes, then the server is killed"}, want: {status: closed}}, {do: {who: bob, m: GET, at: /deck/x}}`, "404 instead of"},
	{`{crash: true}, {do: {who: bob, m: GET, at: /deck/log.txt}, want: {status: 404}}`, "200 instead of 404"},
	{`{do: {who: bob, m: PUT, at: /deck/x, len: 2, body: "disk full"}}, {crash: true}`, "507 instead of"},
	{`{do: {who: bob, m: GET, at: /deck/log.txt, body: "bad password x2"}}`, "401 instead of"},
	{`{set: {account: {user: bob, locked: true}}}, {do: {who: bob, m: GET, at: /deck/log.txt}}`, "401 instead of"},
	{`{do: {who: bob, m: MERGE, at: /deck/log.txt}}`, "501 instead of"},
	{`{do: {who: bob, m: VERSION-CONTROL, at: /deck}}`, "the method VERSION-CONTROL"},
	{`{do: {share: s1, m: GET, at: /log.txt}}`, "no share"},
	{`{do: {share: unknown, m: GET, at: /log.txt}, want: {status: 200}}`, "404 instead of 200"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: link, rights: [see, read]}}}, {do: {share: s1, m: GET, at: /diary.txt}, want: {status: 404}}`, "200 instead of 404"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: link, rights: [see, read]}}}, {set: {unshare: s1}}, {do: {share: s1, m: GET, at: /diary.txt}}`, "404 instead of"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: link, rights: [see, read], password: a bad password}}}, {do: {share: s1, m: GET, at: /diary.txt}, want: {status: 401}}`, "200 instead of 401"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: link, rights: [see, read], max-downloads: 1}}}, {do: {share: s1, m: GET, at: /diary.txt}}, {do: {share: s1, m: GET, at: /diary.txt}}`, "404 instead of"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: "user:ann", rights: read}}}, {can: {who: ann, at: /bunk, no: [read]}}`, "should not hold read"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: "user:ann", rights: "see,read"}}}, {do: {who: ann, m: GET, at: "share:s1/diary.txt"}, want: {status: 404}}`, "200 instead of 404"},
	{`{set: {share: {id: s1, by: eve, at: /deck, to: "user:ann", rights: read}}, want: ok}`, "not found"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: "user:ann", rights: read}}, want: refused}`, "was accepted"},
	{`{set: {share: {id: s1, by: bob, at: /bunk, to: "user:ann", rights: read}}}, {can: {who: "link:s1", at: /bunk, no: [read]}}`, "no link"},
	{`{whatif: {share: {id: s1, by: bob, at: /bunk, to: "user:eve", rights: read}}, want: {gain: []}}`, "gain [eve]"},
	{`{do: {who: bob, m: PROPFIND, at: /invite/deck}}`, "invites"},
	{`{par: [{do: {who: bob, m: PUT, at: "/deck/{1..5}", len: 40}}], want: {ok: 5, refused: 0}}`, "2 went through and 3 were refused"},
	{`{set: {cut: {at: /deck/hold}}, can: {who: bob, at: /deck}}`, "of two kinds"},
	{`{by: bob}`, "of no kind"},
}

// TestWrongCases plants mistakes: a runner that lets one pass proves nothing.
func TestWrongCases(t *testing.T) {
	small, err := readCases([]byte(smallWorld + " []"))
	if err != nil {
		t.Fatal(err)
	}
	from := build(t, &small.World)
	for i, w := range wrong {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			cases, err := readCases([]byte(smallWorld + "- {id: wrong, run: mixed, steps: [" + w.steps + "]}"))
			if err == nil {
				err = cases.Cases[0].play(t, from)
			}
			if err == nil || !strings.Contains(err.Error(), w.says) {
				t.Errorf("%s\nthe runner says %v\ninstead of %s", w.steps, err, w.says)
			}
		})
	}
}

// TestVerdicts: what the list of pending cases makes of an outcome.
func TestVerdicts(t *testing.T) {
	failed, missing := errors.New("403 instead of 200"), fmt.Errorf("step 1: %w", notYet("rowing"))
	for _, row := range []struct {
		err    error
		v      verdict
		counts string // as the summary counts it
		fails  bool
	}{
		{nil, verdict{own: true}, "1 passed, 0 skipped (0", false},
		{nil, verdict{own: true, listed: true}, "1 passed, 0 skipped (0", true},
		{nil, verdict{listed: true}, "1 passed, 0 skipped (0", false},
		{failed, verdict{own: true}, "0 passed, 0 skipped (0", true},
		{failed, verdict{}, "0 passed, 0 skipped (0", true},
		{failed, verdict{own: true, listed: true}, "0 passed, 1 skipped (0", false},
		{failed, verdict{listed: true}, "0 passed, 1 skipped (0", false},
		{missing, verdict{own: true}, "0 passed, 0 skipped (0", true},
		{missing, verdict{}, "0 passed, 1 skipped (1 not there yet: rowing 1", false},
		{missing, verdict{own: true, listed: true}, "0 passed, 1 skipped (1 not there yet: rowing 1", false},
	} {
		var sum tally
		text, fails := sum.judge(row.err, row.v)
		if got := sum.String(); fails != row.fails || !strings.Contains(got, "1 ran, "+row.counts) || row.err != nil && text == "" {
			t.Errorf("%v with %+v fails: %t (%q): %s", row.err, row.v, fails, text, got)
		}
	}
}

// TestOtherFormats: a file that is no file of cases is refused as a whole.
func TestOtherFormats(t *testing.T) {
	for text, says := range map[string]string{
		"format: davit-policy-cases/2\ncases: []":                              "format",
		"format: davit-policy-cases/1\nships: []":                              "ships",
		"format: davit-policy-cases/1\ncases: [{id: a, run: fast, steps: []}]": "fast",
		"format: davit-policy-cases/1\ncases: [{run: pure, steps: []}]":        `""`,
	} {
		if _, err := readCases([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\nis read with %v", text, err)
		}
	}
}
