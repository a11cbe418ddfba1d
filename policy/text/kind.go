package text

import (
	"fmt"
	"slices"
	"strings"

	"davit/policy"
)

// A Kind is one row of the grammar: how statements of the kind are written.
type Kind struct {
	Name    string
	Words   []Word
	Options []Option
	// Record: an option that is not written keeps what it says, unless the file
	// is complete. Of other kinds a line says everything about its subject.
	Record bool
	// check refuses what no single word shows to be wrong.
	check func(*Statement) error
}

// A Word is a place in a statement that is written without a name.
type Word struct {
	Name string
	Type Type
	// Declares: the spelling of a name counts, elsewhere it is compared folded.
	Declares bool
	// Says: the word is no part of what the statement is about.
	Says bool
	// Literal is the one thing that may stand here.
	Literal  string
	Optional bool
}

// names tells whether the word is a part of what the statement is about.
func (w Word) names() bool { return !w.Says && w.Literal == "" }

// An Option is written as name=value behind the words.
type Option struct {
	Name    string
	Type    Type
	Default string // what it says when it is not written
	Always  bool   // written even when it says the default
	Key     bool   // a part of what the statement is about
}

// conditions say when a line counts. Lines that differ in them stand side by
// side.
var conditions = []Option{
	{Name: "class", Type: classes, Key: true},
	{Name: "network", Type: networks, Key: true},
	{Name: "from", Type: moment, Key: true},
	{Name: "until", Type: moment, Key: true},
}

// walls are what is taken away for good, and the rank of who did.
var walls = []Option{{Name: "deny", Type: rights}, rank}

// rank is that of who set a wall or cut: only that rank or one above lifts it.
var rank = Option{Name: "rank", Type: oneOf(policy.Types...), Default: string(policy.Owner)}

// The kinds of statements.
var (
	Complete = &Kind{Name: "complete"}
	Settings = &Kind{Name: "settings", Record: true, Options: settings()}
	Profile  = &Kind{
		Name: "profile", Record: true, Words: []Word{{Name: "NAME", Type: name, Declares: true}},
		Options: []Option{
			{Name: "functions", Type: functions, Default: "all", Always: true},
			{Name: "quota", Type: limit, Default: "none", Always: true},
			{Name: "file-max", Type: limit, Default: "none"},
			{Name: "link-days", Type: number, Default: "0"},
		},
	}
	Group = &Kind{Name: "group", Record: true, Words: []Word{{Name: "NAME", Type: name, Declares: true}}}
	Role  = &Kind{Name: "role", Record: true, Words: []Word{{Name: "NAME", Type: name, Declares: true}}}
	User  = &Kind{
		Name: "user", Record: true, Words: []Word{{Name: "NAME", Type: name, Declares: true}},
		Options: []Option{
			{Name: "type", Type: oneOf(policy.Types...), Default: string(policy.Member), Always: true},
			{Name: "profile", Type: name, Default: "standard", Always: true},
			{Name: "state", Type: oneOf("active", "deactivated"), Default: "active"},
			{Name: "expires", Type: expiry, Default: never},
			{Name: "quota", Type: driveLimit, Default: "profile"},
			{Name: "email", Type: anything},
			{Name: "language", Type: anything},
		},
	}
	MemberOf = &Kind{Name: "member", Words: []Word{
		{Name: "GROUP", Type: principal(policy.KindGroup, policy.KindRole)},
		{Name: "PRINCIPAL", Type: principal(policy.KindUser, policy.KindGroup)},
	}}
	ManagerOf = &Kind{Name: "manager", Words: []Word{
		{Name: "GROUP", Type: principal(policy.KindGroup, policy.KindRole)},
		{Name: "USER", Type: principal(policy.KindUser)},
	}}
	Space = &Kind{
		Name: "space", Record: true, Words: []Word{{Name: "NAME", Type: name, Declares: true}},
		Options: []Option{
			{Name: "kind", Type: oneOf(policy.GroupFolder, policy.Room, policy.Portal), Default: string(policy.GroupFolder), Always: true},
			{Name: "state", Type: spaceState, Default: string(policy.Active)},
			{Name: "owner", Type: nameOrNone},
			{Name: "quota", Type: limit, Default: "none"},
			{Name: "template", Type: template},
			ownHour,
			{Name: "trash-days", Type: days, Default: Days(0)},
			{Name: "version-days", Type: days, Default: Days(0)},
			{Name: "file-days", Type: days, Default: Days(0)},
		},
	}
	Drive = &Kind{
		Name: "drive", Words: []Word{{Name: "~USER", Type: drive}},
		Options: []Option{{Name: "state", Type: spaceState, Default: string(policy.Active)}, ownHour},
		check:   saysState,
	}
	Level = &Kind{
		Name: "level", Words: []Word{{Name: "SPACE", Type: name}, {Name: "PRINCIPAL", Type: anyone}, {Name: "LEVEL", Type: level, Says: true}},
		Options: slices.Concat([]Option{{Name: "revoke", Type: rights}}, walls, conditions),
		check:   saysLevel,
	}
	Pin   = &Kind{Name: "pin", Words: []Word{{Name: "SPACE", Type: name}, {Name: "USER", Type: principal(policy.KindUser)}}}
	Quota = &Kind{Name: "quota", Words: []Word{{Name: "PATH", Type: path}, {Name: "SIZE", Type: limit, Says: true}}, check: saysSize}
	ACL   = &Kind{
		Name: "acl", Words: []Word{{Name: "PATH", Type: path}, {Name: "PRINCIPAL", Type: anyone}},
		Options: slices.Concat([]Option{{Name: "allow", Type: allowed}, {Name: "revoke", Type: rights}}, walls, conditions),
		check:   saysRights,
	}
	Cut   = &Kind{Name: "cut", Words: []Word{{Name: "PATH", Type: path}}, Options: []Option{rank}}
	Share = &Kind{
		Name: "share", Words: []Word{{Name: "PATH", Type: path}},
		Options: []Option{
			{Name: "by", Type: name, Key: true},
			{Name: "to", Type: sharee, Key: true},
			// Of several shares between the same two at one place, the later ones
			// are told apart by their number.
			{Name: "number", Type: later, Key: true},
			{Name: "rights", Type: allowed},
			{Name: "until", Type: moment},
			{Name: "label", Type: anything},
			{Name: "made", Type: moment},
		},
		check: saysShare,
	}
	Assert = &Kind{
		Name: "assert", Words: []Word{
			{Name: "USER", Type: name}, {Literal: "must"}, {Literal: "not", Optional: true},
			{Name: "RIGHTS", Type: asked}, {Name: "PATH", Type: path},
		},
		Options: []Option{{Name: "class", Type: class, Key: true}, {Name: "network", Type: network, Key: true}, {Name: "at", Type: moment, Key: true}},
	}
)

// Kinds are all kinds in the order in which they are written and put into force:
// what is named stands before what names it.
var Kinds = []*Kind{Complete, Settings, Profile, Group, Role, User, MemberOf, ManagerOf, Space, Drive, Level, Pin, Quota, ACL, Cut, Share, Assert}

func kindNamed(t token) *Kind {
	i := slices.IndexFunc(Kinds, func(k *Kind) bool { return k.Name == t.text && t.option == "" && !t.quoted })
	if i < 0 {
		return nil
	}
	return Kinds[i]
}

func kindNames() string {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.Name)
	}
	return strings.Join(names, " ")
}

// New is a statement of the kind that says nothing beyond its words.
func (k *Kind) New(words ...string) Statement {
	return Statement{Kind: k, Words: words, values: make([]value, len(k.Options))}
}

// option is the index of an option that the kind has.
func (k *Kind) option(name string) int {
	i := slices.IndexFunc(k.Options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("policy as text: %s has no option %s", k.Name, name))
	}
	return i
}

// usage is how statements of the kind are written.
func (k *Kind) usage() string {
	words := []string{k.Name}
	for _, w := range k.Words {
		word := w.Name + w.Literal
		if w.Optional {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	for _, o := range k.Options {
		words = append(words, "["+o.Name+"=]")
	}
	return strings.Join(words, " ")
}

// parse reads what stands behind the kind's name.
func (k *Kind) parse(tokens []token) (Statement, error) {
	s := k.New(make([]string, len(k.Words))...)
	tokens, err := s.readWords(tokens)
	if err != nil {
		return s, err
	}
	for _, t := range tokens {
		if err := s.readOption(t); err != nil {
			return s, err
		}
	}
	if k.check != nil {
		return s, k.check(&s)
	}
	return s, nil
}

// readWords takes the words off the tokens.
func (s *Statement) readWords(tokens []token) (rest []token, err error) {
	for i, w := range s.Kind.Words {
		there := len(tokens) > 0 && tokens[0].option == ""
		switch {
		case w.Literal != "" && there && tokens[0].text == w.Literal:
			s.Words[i] = w.Literal
		case w.Optional:
			continue
		case !there || w.Literal != "":
			return nil, fmt.Errorf("%s is missing; write: %s", w.Name+w.Literal, s.Kind.usage())
		default:
			if s.Words[i], err = w.Type.read(tokens[0].text); err != nil {
				return nil, err
			}
		}
		tokens = tokens[1:]
	}
	return tokens, nil
}

func (s *Statement) readOption(t token) error {
	i := slices.IndexFunc(s.Kind.Options, func(o Option) bool { return o.Name == t.option })
	switch {
	case t.option == "":
		return fmt.Errorf("%q is too much; write: %s", clip(t.text), s.Kind.usage())
	case i < 0:
		return fmt.Errorf("no option %s=; write: %s", clip(t.option), s.Kind.usage())
	case s.values[i].given:
		return fmt.Errorf("%s= stands there twice", t.option)
	}
	text, err := s.Kind.Options[i].Type.read(t.text)
	if err != nil {
		return err
	}
	s.values[i] = value{text, true}
	return nil
}

func saysState(s *Statement) error {
	if s.Get("state") == string(policy.Active) && s.Get("own-hour") == ownHour.Default {
		return fmt.Errorf("a drive that is active, with the own hour of all, needs no line")
	}
	return nil
}

func saysLevel(s *Statement) error {
	if s.Words[2] == levelNone && s.Get("revoke") == "" && s.Get("deny") == "" {
		return fmt.Errorf("a level of none is said by leaving the line out")
	}
	return saysRank(s)
}

func saysRank(s *Statement) error {
	if s.Get("rank") != rank.Default && s.Get("deny") == "" {
		return fmt.Errorf("rank= is the rank of who set a wall: say deny= with it")
	}
	return nil
}

func saysSize(s *Statement) error {
	switch {
	case s.Words[1] == policy.NoLimit.String():
		return fmt.Errorf("no limit is said by leaving the line out")
	case !strings.Contains(strings.Trim(s.Words[0], "/"), "/"):
		return fmt.Errorf("the limit of a whole space is an option of its line: space NAME quota=SIZE, or user NAME quota=SIZE for a drive")
	}
	return nil
}

func saysRights(s *Statement) error {
	if s.Get("allow") == "" && s.Get("revoke") == "" && s.Get("deny") == "" {
		return fmt.Errorf("a line says at least one right to allow, revoke or deny")
	}
	return saysRank(s)
}

func saysShare(s *Statement) error {
	for _, option := range []string{"by", "to", "rights"} {
		if s.Get(option) == "" {
			return fmt.Errorf("%s= is missing; write: %s", option, s.Kind.usage())
		}
	}
	return nil
}
