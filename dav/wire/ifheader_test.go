package wire

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 4918, section 10.4, and what real clients send.
func TestParseIf(t *testing.T) {
	for _, test := range []struct {
		header string
		want   []List
	}{
		{"(<urn:uuid:1>)", []List{{"", []Condition{{Token: "urn:uuid:1"}}}}},
		{`(<urn:uuid:1> ["I am an ETag"]) (["I am another"])`, []List{
			{"", []Condition{{Token: "urn:uuid:1"}, {ETag: `"I am an ETag"`}}},
			{"", []Condition{{ETag: `"I am another"`}}},
		}},
		{"(Not <urn:uuid:1> <urn:uuid:2>)", []List{{"", []Condition{{Not: true, Token: "urn:uuid:1"}, {Token: "urn:uuid:2"}}}}},
		{"(<urn:uuid:1>)(Not <DAV:no-lock>)", []List{
			{"", []Condition{{Token: "urn:uuid:1"}}},
			{"", []Condition{{Not: true, Token: "DAV:no-lock"}}},
		}},
		{`</r1> (<urn:uuid:1> [W/"weak"]) (["strong"])`, []List{
			{"/r1", []Condition{{Token: "urn:uuid:1"}, {ETag: `W/"weak"`}}},
			{"/r1", []Condition{{ETag: `"strong"`}}},
		}},
		{"<http://h/a%20b/>(<urn:uuid:1>)</c> ( not<urn:uuid:2> )", []List{
			{"http://h/a%20b/", []Condition{{Token: "urn:uuid:1"}}},
			{"/c", []Condition{{Not: true, Token: "urn:uuid:2"}}},
		}},
		{`(["]>)"])`, []List{{"", []Condition{{ETag: `"]>)"`}}}}},
		{`([ bare ])`, []List{{"", []Condition{{ETag: `"bare"`}}}}},
	} {
		got, err := ParseIf([]string{test.header})
		if err != nil || !reflect.DeepEqual(got.Lists, test.want) {
			t.Errorf("ParseIf(%s) = %+v, %v; want %+v", test.header, got.Lists, err, test.want)
		}
	}
}

func TestParseIfSeveralValues(t *testing.T) {
	got, err := ParseIf([]string{"(<a:1>)", "(<a:2>)"})
	if err != nil || !slices.Equal(got.Tokens(), []string{"a:1", "a:2"}) {
		t.Errorf("two headers: %v, %v", got, err)
	}
	if got, err := ParseIf(nil); err != nil || got.Lists != nil {
		t.Errorf("no header: %v, %v", got, err)
	}
}

func TestParseIfRefuses(t *testing.T) {
	for _, header := range []string{
		"", " ", "()", "(", "(<a:1>", ")", "<a:1>", "(<a:1>) junk", "(<>)", "<> (<a:1>)", "(<a:1)", "(<a:1 2>)", "(<a<1>)",
		"(Not)", "(Not Not <a:1>)", `(["a)`, `([])`, `(["a" "b"])`, "(a:1)", "</r> </s> (<a:1>)", "</r> (<a:1>) </s>",
		"(<a:1>) </r> (<a:2>)", "(<a:1>), (<a:2>)", "(<a:\x01>)", "(No",
		strings.Repeat("(<a:1>)", ifConditionsMax+1),
		"(" + strings.Repeat("<a:1>", ifConditionsMax+1) + ")",
		"(<a:" + strings.Repeat("1", ifSizeMax) + ">)",
	} {
		if got, err := ParseIf([]string{header}); !errors.Is(err, ErrHeader) {
			t.Errorf("ParseIf(%.40q) = %.80v, %v; want an error", header, got, err)
		}
	}
	if _, err := ParseIf([]string{strings.Repeat("(<a:1>)", ifConditionsMax)}); err != nil {
		t.Errorf("%d conditions: %v", ifConditionsMax, err)
	}
}

// TestIfEval asks about two resources: /a with the tag "1" and the lock urn:a,
// and /b with the tag "2" and no lock.
func TestIfEval(t *testing.T) {
	states := map[string]State{
		"/a": {ETag: `"1"`, Tokens: []string{"urn:other", "urn:a"}},
		"/b": {ETag: `"2"`},
	}
	for _, test := range []struct {
		header, request string
		want            bool
	}{
		{"(<urn:a>)", "/a", true},
		{"(<urn:a>)", "/b", false},
		{"(<urn:A>)", "/a", false},
		{"</a> (<urn:a>)", "/b", true}, // true, and still no key to /b: see TestIfTokens
		{"</b> (<urn:a>)", "/a", false},
		{`(["1"])`, "/a", true},
		{`([W/"1"])`, "/a", true},
		{`(["2"])`, "/a", false},
		{`(<urn:a> ["1"])`, "/a", true},
		{`(<urn:a> ["2"])`, "/a", false},
		{`(<urn:a> ["2"]) (["1"])`, "/a", true},
		{`(<urn:a> ["2"]) (Not <DAV:no-lock> ["2"])`, "/a", false}, // litmus fail_complex_cond_put
		{`(<urn:ax>) (Not <DAV:no-lock>)`, "/a", true},             // litmus cond_put_corrupt_token
		{"(Not <urn:a>)", "/a", false},
		{"(Not <urn:a>)", "/b", true},
		{`(Not ["1"])`, "/a", false},
		{`(Not ["2"])`, "/a", true},
		{"(<urn:a>)", "/missing", false},
		{`(["1"])`, "/missing", false},
		{"(Not <urn:a>)", "/missing", true},
		{"</b> (<urn:a>) </a> (<urn:a>)", "/missing", true},
	} {
		i, err := ParseIf([]string{test.header})
		if err != nil {
			t.Fatal(err)
		}
		if got := i.Eval(test.request, func(r string) State { return states[r] }); got != test.want {
			t.Errorf("%s on %s = %v, want %v", test.header, test.request, got, test.want)
		}
	}
	if !(If{}).Eval("/a", nil) {
		t.Error("no header must hold")
	}
}

func TestIfEvalResolvesOnceInARow(t *testing.T) {
	i, err := ParseIf([]string{strings.Repeat("(<urn:a>)", 100)})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	i.Eval("/a", func(string) State { calls++; return State{} })
	if calls != 1 {
		t.Errorf("resolved %d times, want once", calls)
	}
}

// A token sent for another resource opens nothing here.
func TestIfTokens(t *testing.T) {
	only := func(resource string) func(string) bool {
		return func(r string) bool { return r == resource }
	}
	for _, test := range []struct {
		header    string
		all, forA string
	}{
		{"(<urn:1>) (Not <urn:2>)", "urn:1 urn:2", "urn:1 urn:2"},
		{`(["x"])`, "", ""},
		{"</b> (<urn:1>)", "urn:1", ""},
		{"</a> (<urn:1>) </b> (<urn:2>) (<urn:3>) </a> (<urn:4>)", "urn:1 urn:2 urn:3 urn:4", "urn:1 urn:4"},
	} {
		i, err := ParseIf([]string{test.header})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(i.Tokens(), " "); got != test.all {
			t.Errorf("%s: tokens %q, want %q", test.header, got, test.all)
		}
		if got := strings.Join(i.TokensFor(only("/a")), " "); got != test.forA {
			t.Errorf("%s: tokens for /a %q, want %q", test.header, got, test.forA)
		}
	}
}
