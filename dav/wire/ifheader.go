package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Limits of an If header.
const (
	ifSizeMax       = 64 << 10
	ifConditionsMax = 1000
)

// If is an If header (RFC 4918, section 10.4): it holds when one of its lists
// does. The zero value stands for no header and always holds.
type If struct{ Lists []List }

// List is one parenthesised list; it holds when all of its conditions do.
type List struct {
	// Resource is the tag in front of the list as the client wrote it, a URL or a
	// path for ParseDestination; it is empty when the list is about the request's
	// own resource.
	Resource   string
	Conditions []Condition
}

// Condition is one state token or one entity tag; the other field is empty.
type Condition struct {
	Not   bool
	Token string // without its angle brackets
	ETag  string // as in an ETag header
}

// State is what conditions are held against: one resource as it is now. The
// zero State is that of a resource that does not exist.
type State struct {
	ETag   string
	Tokens []string // of every lock that covers the resource
}

// ParseIf reads the values of the If header. No values are no header.
func ParseIf(values []string) (If, error) {
	if len(values) == 0 {
		return If{}, nil
	}
	p := ifParser{rest: strings.Join(values, " ")}
	if len(p.rest) > ifSizeMax {
		return If{}, fmt.Errorf("%w: If is longer than %d bytes", ErrHeader, ifSizeMax)
	}
	lists, err := p.lists()
	if err != nil {
		return If{}, err
	}
	return If{lists}, nil
}

// Tokens returns every state token in the header. Being there is enough for a
// token to count as submitted, also in a list that does not hold: RFC 4918,
// section 10.4.1.
func (i If) Tokens() []string {
	return i.TokensFor(func(string) bool { return true })
}

// TokensFor returns the tokens submitted for some resources: those of untagged
// lists, and those of lists with a tag that match accepts. To see whether a lock
// is unlocked, match has to accept the resources in that lock's scope and no
// others; a token sent for another resource must not open this one.
func (i If) TokensFor(match func(resource string) bool) []string {
	var tokens []string
	for _, list := range i.Lists {
		if list.Resource != "" && !match(list.Resource) {
			continue
		}
		for _, c := range list.Conditions {
			if c.Token != "" {
				tokens = append(tokens, c.Token)
			}
		}
	}
	return tokens
}

// Eval reports whether the header holds. resolve gives the state of a resource:
// of request for untagged lists, of the text of its tag for a tagged one.
func (i If) Eval(request string, resolve func(resource string) State) bool {
	if len(i.Lists) == 0 {
		return true
	}
	var state State
	var of string
	for n, list := range i.Lists {
		if resource := cmp.Or(list.Resource, request); n == 0 || resource != of {
			state, of = resolve(resource), resource
		}
		if list.Holds(state) {
			return true
		}
	}
	return false
}

// Holds reports whether every condition of the list is true of a state.
func (l List) Holds(s State) bool {
	for _, c := range l.Conditions {
		if c.holds(s) == c.Not {
			return false
		}
	}
	return true
}

// holds judges the condition without its Not.
func (c Condition) holds(s State) bool {
	if c.Token != "" {
		return slices.Contains(s.Tokens, c.Token)
	}
	// RFC 4918, section 10.4.4 leaves the comparison to us. A proxy that
	// compresses weakens our tags, and the content they name is still the same.
	return weakEqual(c.ETag, s.ETag)
}

// ifParser holds what is still to be read.
type ifParser struct {
	rest  string
	count int // conditions so far
}

// lists reads the whole header. Lists are all tagged or all untagged: RFC 4918,
// section 10.4.2.
func (p *ifParser) lists() ([]List, error) {
	var lists []List
	tag, open := "", false // open: a tag waits for its first list
	for p.skipSpace(); p.rest != ""; p.skipSpace() {
		if p.rest[0] == '<' {
			if open || tag == "" && len(lists) > 0 {
				return nil, p.fail("a tag must be followed by a list, and untagged lists cannot be mixed with tagged ones")
			}
			var err error
			if tag, err = p.angled(); err != nil {
				return nil, err
			}
			open = true
			continue
		}
		conditions, err := p.list()
		if err != nil {
			return nil, err
		}
		lists, open = append(lists, List{tag, conditions}), false
	}
	if open || len(lists) == 0 {
		return nil, p.fail("a list of conditions is missing")
	}
	return lists, nil
}

// list reads "(" 1*Condition ")".
func (p *ifParser) list() ([]Condition, error) {
	if !p.accept("(") {
		return nil, p.fail("a list must begin with (")
	}
	var conditions []Condition
	for p.skipSpace(); !p.accept(")"); p.skipSpace() {
		if p.count++; p.count > ifConditionsMax {
			return nil, p.fail(fmt.Sprintf("there are more than %d conditions", ifConditionsMax))
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, c)
	}
	if len(conditions) == 0 {
		return nil, p.fail("a list is empty")
	}
	return conditions, nil
}

// condition reads ["Not"] (State-token | "[" entity-tag "]").
func (p *ifParser) condition() (c Condition, err error) {
	if len(p.rest) >= 3 && strings.EqualFold(p.rest[:3], "Not") {
		p.rest, c.Not = p.rest[3:], true
		p.skipSpace()
	}
	if strings.HasPrefix(p.rest, "<") {
		c.Token, err = p.angled()
		return c, err
	}
	if !p.accept("[") {
		return c, p.fail("a condition must be <state-token> or [\"entity-tag\"], and a list must end in )")
	}
	p.skipSpace()
	ok := false
	if c.ETag, p.rest, ok = cutETag(p.rest); !ok {
		return c, p.fail("an entity tag is malformed")
	}
	p.skipSpace()
	if !p.accept("]") {
		return c, p.fail("an entity tag must end in ]")
	}
	return c, nil
}

// angled reads "<" URI ">".
func (p *ifParser) angled() (string, error) {
	uri, rest, ok := strings.Cut(p.rest[1:], ">")
	if !ok || uri == "" || strings.ContainsAny(uri, "<\" \t") || strings.ContainsFunc(uri, isControl) {
		return "", p.fail("a URI in angle brackets is malformed")
	}
	p.rest = rest
	return uri, nil
}

func (p *ifParser) accept(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

func (p *ifParser) skipSpace() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *ifParser) fail(reason string) error { return fmt.Errorf("%w: If: %s", ErrHeader, reason) }
