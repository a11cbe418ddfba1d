package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"davit/policy"
)

// A Type says what may stand in a word or option, and when two of it are the
// same.
type Type struct {
	read func(string) (string, error) // the canonical form
	fold func(string) string          // the form that is compared; nil for the text itself
	// principal: it names who gets or has something.
	principal bool
}

func (t Type) folded(text string) string {
	if t.fold == nil {
		return text
	}
	return t.fold(text)
}

// levelNone is the level without rights.
const levelNone = "none"

var (
	anything   = Type{read: func(text string) (string, error) { return text, nil }}
	name       = Type{read: readName, fold: policy.Fold}
	nameOrNone = Type{read: anything.read, fold: policy.Fold}
	drive      = Type{read: readDrive, fold: policy.Fold}
	anyone     = principal(policy.KindUser, policy.KindGroup, policy.KindRole, "members", "anyone-signed-in", "links")
	path       = Type{read: readPath, fold: foldPath}

	rights     = Type{read: readRights}
	allowed    = Type{read: readAllowed}
	level      = Type{read: readLevel}
	asked      = Type{read: readAsked}
	functions  = Type{read: readFunctions}
	limit      = Type{read: readLimit}
	driveLimit = Type{read: readDriveLimit}
	classes    = Type{read: readClasses}
	class      = Type{read: readClass}
	networks   = Type{read: readNetworks}
	network    = Type{read: readNetwork}
	moment     = Type{read: readMoment}
	expiry     = Type{read: readExpiry}
	hour       = Type{read: readHour}
	days       = Type{read: readDays}
	number     = Type{read: readNumber}
	later      = Type{read: readLater}
	template   = Type{read: readTemplate}
	sharee     = principal(policy.KindUser, policy.KindGroup, policy.KindRole, "members")
	spaceState = oneOf(policy.Active, policy.Archived, policy.Closed, policy.Trashed)
)

func readName(text string) (string, error) {
	if text == "" || strings.HasPrefix(text, "/") {
		return "", fmt.Errorf("%q is no name", clip(text))
	}
	return text, nil
}

func readDrive(text string) (string, error) {
	if !strings.HasPrefix(text, "~") {
		return "", fmt.Errorf("%q is no drive; write ~NAME", clip(text))
	}
	return text, nil
}

// principal takes names of the kinds, as in user:mia, and the kinds that are
// names themselves.
func principal(kinds ...policy.Kind) Type {
	var forms []string
	for _, k := range kinds {
		form := string(k)
		if named(k) {
			form += ":NAME"
		}
		forms = append(forms, form)
	}
	read := func(text string) (string, error) {
		kind, rest, qualified := strings.Cut(text, ":")
		k := policy.Kind(kind)
		if !slices.Contains(kinds, k) || named(k) != qualified || qualified && rest == "" {
			return "", fmt.Errorf("%q cannot stand here; write %s", clip(text), strings.Join(forms, ", "))
		}
		return text, nil
	}
	return Type{read, policy.Fold, true}
}

// named tells whether principals of the kind have names.
func named(k policy.Kind) bool {
	return k == policy.KindUser || k == policy.KindGroup || k == policy.KindRole
}

// calendarScheme stands before the paths of calendars; the rest is like those of
// files.
const calendarScheme = "calendar:"

// readPath takes a path in the one way it can be written, so that two spellings
// are never two lines about one folder.
func readPath(text string) (string, error) {
	rest, slash := strings.CutPrefix(strings.TrimPrefix(text, calendarScheme), "/")
	odd := func(n string) bool { return n == "" || n == "." || n == ".." }
	if slash == strings.HasPrefix(rest, "~") || slices.ContainsFunc(strings.Split(rest, "/"), odd) {
		return "", fmt.Errorf("%q is no path; write /SPACE/FOLDER or ~USER/FOLDER, without a slash at the end", clip(text))
	}
	return norm.NFC.String(text), nil
}

// foldPath folds the name of the space; names of files count as they are.
func foldPath(text string) string {
	if rest, is := strings.CutPrefix(text, calendarScheme); is {
		return calendarScheme + foldPath(rest)
	}
	i := strings.IndexByte(strings.TrimPrefix(text, "/"), '/')
	if i < 0 {
		return policy.Fold(text)
	}
	i += len(text) - len(strings.TrimPrefix(text, "/"))
	return policy.Fold(text[:i]) + text[i:]
}

func readRights(text string) (string, error) {
	set, err := policy.ParseRights(text)
	return spelled(set), err
}

// spelled is a set of rights, empty for none.
func spelled(set policy.Rights) string {
	if set == 0 {
		return ""
	}
	return set.String()
}

// readAllowed keeps the name of a level, which the entry remembers.
func readAllowed(text string) (string, error) {
	set, err := policy.ParseRights(text)
	if err == nil && set != 0 && strings.HasPrefix(text, "level:") {
		return text, nil
	}
	return spelled(set), err
}

// Allowed writes the rights that an entry allows under the name of a level, if
// it has one.
func Allowed(e *policy.Entry) string {
	named := "level:" + e.Level
	if set, err := policy.ParseRights(named); err == nil && e.Level != "" && set == e.Allow && set != 0 {
		return named
	}
	return spelled(e.Allow)
}

// ParseAllowed reads what Allowed writes; label is the name of the level, if it
// has one.
func ParseAllowed(text string) (label string, set policy.Rights, err error) {
	label, _ = strings.CutPrefix(text, "level:")
	if label == text {
		label = ""
	}
	set, err = policy.ParseRights(text)
	return label, set, err
}

// readLevel takes "editor", "editor+share", or plain rights.
func readLevel(text string) (string, error) {
	base, more, _ := strings.Cut(text, "+")
	if _, err := policy.LevelRights(base); err == nil {
		_, err = policy.ParseRights(more)
		return text, err
	}
	set, err := policy.ParseRights(text)
	if err != nil {
		return "", fmt.Errorf("no level %q (levels: %s; or rights, joined by commas)", clip(text), strings.Join(policy.LevelNames(), " "))
	}
	return set.String(), nil
}

// LevelOf writes the level that an entry gives, by its name if it has one.
func LevelOf(e *policy.Entry) string {
	if label, set, err := ParseLevel(e.Level); err == nil && label != "" && set == e.Allow {
		return label
	}
	return e.Allow.String()
}

// ParseLevel reads the level of a statement; label is empty for plain rights.
func ParseLevel(text string) (label string, set policy.Rights, err error) {
	base, more, _ := strings.Cut(text, "+")
	if set, err = policy.LevelRights(base); err != nil {
		set, err = policy.ParseRights(text)
		return "", set, err
	}
	besides, err := policy.ParseRights(more)
	return text, set | besides, err
}

// readAsked takes rights and levels joined by commas, each of which an assertion
// is about.
func readAsked(text string) (string, error) {
	for item := range strings.SplitSeq(text, ",") {
		set, err := policy.ParseRights(item)
		if err != nil {
			return "", err
		}
		if set == 0 {
			return "", fmt.Errorf("%q asks for no right", clip(text))
		}
	}
	return text, nil
}

func readFunctions(text string) (string, error) {
	var set policy.Functions
	if err := set.UnmarshalText([]byte(text)); err != nil {
		return "", err
	}
	return set.String(), nil
}

func readLimit(text string) (string, error) {
	l, err := policy.ParseLimit(text)
	return l.String(), err
}

func readDriveLimit(text string) (string, error) {
	if text == "profile" {
		return text, nil
	}
	return readLimit(text)
}

func readClasses(text string) (string, error) {
	set, err := policy.ParseClasses(text)
	return set.String(), err
}

func readClass(text string) (string, error) {
	set, err := policy.ParseClasses(text)
	if err == nil && set&(set-1) != 0 {
		err = fmt.Errorf("%q are several classes of clients; one asks", clip(text))
	}
	return set.String(), err
}

func readNetworks(text string) (string, error) {
	set, err := policy.ParseNetworks(text)
	return set.String(), err
}

func readNetwork(text string) (string, error) {
	set, err := policy.ParseNetworks(text)
	if err == nil && set&(set-1) != 0 {
		err = fmt.Errorf("%q are two networks; one asks from one", clip(text))
	}
	return set.String(), err
}

// readMoment takes a time with its zone: a file means the same everywhere.
func readMoment(text string) (string, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Unix() <= 0 {
		return "", fmt.Errorf("no time %q: write it like 2026-05-01T00:00:00Z", clip(text))
	}
	return Moment(t.Unix()), nil
}

// Moment writes Unix seconds, nothing for 0.
func Moment(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// ParseMoment reads what Moment writes.
func ParseMoment(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// never is the word for an account that does not expire.
const never = "never"

func readExpiry(text string) (string, error) {
	if text == never {
		return text, nil
	}
	return readMoment(text)
}

// readNumber takes a whole number; what is too large for its place is refused
// where it counts.
func readNumber(text string) (string, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return "", fmt.Errorf("%q is no number", clip(text))
	}
	return strconv.FormatUint(n, 10), nil
}

// readLater takes the number of a second or later one: the first has none.
func readLater(text string) (string, error) {
	n, err := readNumber(text)
	if err == nil && (n == "0" || n == "1") {
		err = fmt.Errorf("the first has no number; number= begins with 2")
	}
	return n, err
}

// ownHour is how long what one makes stays one's own.
var ownHour = Option{Name: "own-hour", Type: hour, Default: OwnHour(nil)}

// noTime is the word for no time at all.
const noTime = "none"

// readHour takes whole seconds, as in 90m or 1h30m.
func readHour(text string) (string, error) {
	if text == noTime {
		return text, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d%time.Second != 0 {
		return "", fmt.Errorf("%q is no time in hours, minutes and seconds: write it like 30m, or none", clip(text))
	}
	return Hours(d), nil
}

// OwnHour writes the own hour of a space; nil is the one of all.
func OwnHour(seconds *int64) string {
	d := time.Hour
	if seconds != nil {
		d = time.Duration(*seconds) * time.Second
	}
	return Hours(d)
}

// Hours writes whole seconds in the largest unit that has no rest: 2h, 90m, none.
func Hours(d time.Duration) string {
	switch {
	case d == 0:
		return noTime
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// ParseOwnHour reads what OwnHour writes.
func ParseOwnHour(text string) *int64 {
	if text == ownHour.Default {
		return nil
	}
	d, _ := time.ParseDuration(text) // nothing for none
	seconds := int64(d / time.Second)
	return &seconds
}

// readDays takes a number of days, or none.
func readDays(text string) (string, error) {
	if text == noTime {
		return text, nil
	}
	n, err := readNumber(text)
	if n == "0" {
		n = noTime
	}
	return n, err
}

// Days writes a number of days, of which 0 is none.
func Days(n int64) string {
	if n == 0 {
		return noTime
	}
	return strconv.FormatInt(n, 10)
}

// ParseDays reads what Days writes.
func ParseDays(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // nothing for none
	return n
}

// settings are an option for each setting of the instance.
func settings() []Option {
	var all []Option
	for _, name := range policy.SettingNames() {
		standard := policy.DefaultSettings
		read := func(text string) (string, error) {
			s := policy.DefaultSettings
			err := s.Put(name, text)
			return s.Text(name), err
		}
		all = append(all, Option{Name: name, Type: Type{read: read}, Default: standard.Text(name), Always: true})
	}
	return all
}

// templates are those of rooms; a room without one admits every level.
var templates = oneOf(policy.PublicRoom, policy.FormFilling, policy.Collaboration, policy.DataRoom)

func readTemplate(text string) (string, error) {
	if text == "" {
		return text, nil
	}
	return templates.read(text)
}

// oneOf takes one of the words.
func oneOf[T ~string](words ...T) Type {
	return Type{read: func(text string) (string, error) {
		if slices.Contains(words, T(text)) {
			return text, nil
		}
		var all []string
		for _, w := range words {
			all = append(all, string(w))
		}
		return "", fmt.Errorf("%s is none of: %s", strconv.Quote(clip(text)), strings.Join(all, " "))
	}}
}
