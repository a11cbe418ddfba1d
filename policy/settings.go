package policy

import (
	"net/netip"
	"slices"
)

// Settings are the rules of the whole instance. They are a ceiling like any
// other: a change counts at the next request, for what was given before too.
type Settings struct {
	// Links: whether links open anything.
	Links bool `json:"links"`
	// LinkDays is the longest life of a link, 0 for any.
	LinkDays int64 `json:"link_days"`
	// LinkPassword: links without a password open nothing.
	LinkPassword bool `json:"link_password"`
	// Guests: whether accounts of guests open anything.
	Guests bool `json:"guests"`
	// Sharing says with whom shares are.
	Sharing Sharing `json:"sharing"`
	// TwoFactor: a main password alone opens nothing but the web.
	TwoFactor bool `json:"two_factor"`
	// AdminReads says whether admins read what nobody gave them.
	AdminReads AdminReads `json:"admin_reads"`
	// TrashDays is how long the trash keeps what was deleted, 0 for ever.
	TrashDays int64 `json:"trash_days,omitempty"`
	// VersionDays is how long the old content of a file is kept, 0 for ever.
	VersionDays int64 `json:"version_days,omitempty"`
	// Versions is how many old contents of a file are kept. What was overwritten
	// by somebody who may not delete it is kept also with 0.
	Versions int64 `json:"versions,omitempty"`
	// InboxDays is how long messages of scheduling stay in an inbox, 0 for ever.
	InboxDays int64 `json:"inbox_days,omitempty"`
	// MailServer takes letters to people outside, as HOST:PORT; empty for none.
	MailServer string `json:"mail_server,omitempty"`
	// MailTLS says how the connection to it is kept private.
	MailTLS MailTLS `json:"mail_tls,omitempty"`
	// MailUser is the account there, empty where none is asked for. Its password is
	// no setting.
	MailUser string `json:"mail_user,omitempty"`
	// MailFrom is the address that letters come from.
	MailFrom string `json:"mail_from,omitempty"`
	// FetchHosts lists from where the server itself fetches calendars: hosts, with
	// a port where it is not the usual one, after http:// also without TLS; and networks
	// whose addresses may be asked although they are nobody's on the internet.
	FetchHosts Hosts `json:"fetch_hosts,omitempty"`
	// PushHosts lists the push services that are told when something changes, in the same
	// way; none while it is empty.
	PushHosts Hosts `json:"push_hosts,omitempty"`
	// LockoutAfter is how many wrong passwords lock an account for a while.
	LockoutAfter int `json:"lockout_after"`
	// Inside lists the networks that count as inside.
	Inside []netip.Prefix `json:"inside"`
}

// Sharing says with whom people share.
type Sharing string

const (
	ShareAny  Sharing = "any"  // with everybody
	ShareOwn  Sharing = "own"  // with the own groups and who is in them
	ShareNone Sharing = "none" // with single people, not with groups
)

// AdminReads says whether admins and owners read what nobody gave them.
type AdminReads string

const (
	ReadsNever   AdminReads = "never"
	ReadsAudited AdminReads = "audited" // after giving it to themselves for a time, which stands in the list
	ReadsAlways  AdminReads = "always"
)

// MailTLS says how letters are handed on.
type MailTLS string

const (
	MailStartTLS MailTLS = ""         // STARTTLS, or not at all
	MailImplicit MailTLS = "implicit" // TLS from the first byte on
	MailPlain    MailTLS = "none"     // in the clear
)

// DefaultSettings are in force until somebody changes them. Inside are the
// addresses that no one on the internet has.
var DefaultSettings = Settings{
	Links: true, LinkDays: 90, Guests: true, Sharing: ShareAny, AdminReads: ReadsNever, LockoutAfter: 10,
	TrashDays: 30, VersionDays: 90, Versions: 100, InboxDays: 30,
	Inside: []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
	},
}

// Bounds of settings.
const (
	linkDaysMax     = 3650
	keepDaysMax     = 36500
	versionsMax     = 1000 // looked at in one transaction
	lockoutAfterMax = 1000
	insideMax       = 200
	hostsMax        = 100 // in one list
	mailTextMax     = 254 // bytes of an address, RFC 5321, section 4.5.3.1.3
)

// Settings are those in force.
func (s *State) Settings() Settings { return *s.set() }

func (s *State) set() *Settings {
	if s.settings == nil {
		return &DefaultSettings
	}
	return s.settings
}

// NetworkOf tells where an address is; an invalid one is nowhere.
func (s *State) NetworkOf(from netip.Addr) Network {
	if !from.IsValid() {
		return 0
	}
	from = from.Unmap().WithZone("")
	if s.set().inside(from) {
		return Inside
	}
	return Outside
}

func (s *Settings) inside(addr netip.Addr) bool {
	return slices.ContainsFunc(s.Inside, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func (c PutSettings) apply(e *edit) error {
	set := c.Settings
	switch {
	case set.LinkDays < 0 || set.LinkDays > linkDaysMax:
		return invalid("links live 1 to %d days, or 0 for any time", linkDaysMax)
	case !slices.Contains([]Sharing{ShareAny, ShareOwn, ShareNone}, set.Sharing):
		return invalid("no sharing %q (write any, own or none)", set.Sharing)
	case !slices.Contains([]AdminReads{ReadsNever, ReadsAudited, ReadsAlways}, set.AdminReads):
		return invalid("no way of reading for admins %q (write never, audited or always)", set.AdminReads)
	case set.TrashDays < 0 || set.TrashDays > keepDaysMax:
		return invalid("the trash keeps 1 to %d days, or 0 for ever", keepDaysMax)
	case set.VersionDays < 0 || set.VersionDays > keepDaysMax:
		return invalid("versions are kept 1 to %d days, or 0 for ever", keepDaysMax)
	case set.Versions < 0 || set.Versions > versionsMax:
		return invalid("of a file 0 to %d versions are kept", versionsMax)
	case set.InboxDays < 0 || set.InboxDays > keepDaysMax:
		return invalid("an inbox keeps 1 to %d days, or 0 for ever", keepDaysMax)
	case set.LockoutAfter < 1 || set.LockoutAfter > lockoutAfterMax:
		return invalid("an account locks after 1 to %d wrong passwords", lockoutAfterMax)
	case len(set.Inside) > insideMax:
		return invalid("at most %d networks inside", insideMax)
	}
	for _, p := range set.Inside {
		if !p.IsValid() {
			return invalid("network %v: write an address and the bits that count, such as 10.0.0.0/8", p)
		}
	}
	if err := set.checkMail(); err != nil {
		return err
	}
	if err := set.FetchHosts.check("fetch from"); err != nil {
		return err
	}
	if err := set.PushHosts.check("push to"); err != nil {
		return err
	}
	set.Inside, set.FetchHosts, set.PushHosts = slices.Clone(set.Inside), slices.Clone(set.FetchHosts), slices.Clone(set.PushHosts)
	e.settings, e.delta.Settings = &set, &set
	return nil
}
