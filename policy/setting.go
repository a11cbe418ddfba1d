package policy

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A setting is one of the Settings as text.
type setting struct {
	name, values string // how the values are written
	text         func(*Settings) string
	read         func(*Settings, string) bool
}

// settingTable has every setting in the order in which people read them.
var settingTable = []setting{
	toggle("links", "on", "off", func(s *Settings) *bool { return &s.Links }),
	number("link-days", "a number of days, or 0 for any", func(s *Settings) *int64 { return &s.LinkDays }),
	toggle("link-password", "required", "optional", func(s *Settings) *bool { return &s.LinkPassword }),
	toggle("guests", "on", "off", func(s *Settings) *bool { return &s.Guests }),
	{"sharing", "any, own or none",
		func(s *Settings) string { return string(s.Sharing) },
		func(s *Settings, v string) bool { s.Sharing = Sharing(v); return true }},
	toggle("two-factor", "required", "off", func(s *Settings) *bool { return &s.TwoFactor }),
	{"admin-reads", "never, audited or always",
		func(s *Settings) string { return string(s.AdminReads) },
		func(s *Settings, v string) bool { s.AdminReads = AdminReads(v); return true }},
	{"lockout-after", "a number of wrong passwords",
		func(s *Settings) string { return strconv.Itoa(s.LockoutAfter) },
		func(s *Settings, v string) bool {
			var n int64
			if !readNumber(v, &n) || n > lockoutAfterMax {
				return false
			}
			s.LockoutAfter = int(n)
			return true
		}},
	number("trash-days", "a number of days, or 0 for ever", func(s *Settings) *int64 { return &s.TrashDays }),
	number("version-days", "a number of days, or 0 for ever", func(s *Settings) *int64 { return &s.VersionDays }),
	number("versions", "how many are kept of a file", func(s *Settings) *int64 { return &s.Versions }),
	number("inbox-days", "a number of days, or 0 for ever", func(s *Settings) *int64 { return &s.InboxDays }),
	wording("mail-server", "HOST:PORT, or none", func(s *Settings) *string { return &s.MailServer }),
	{"mail-tls", "starttls, implicit or none",
		func(s *Settings) string {
			if s.MailTLS == MailStartTLS {
				return startTLS
			}
			return string(s.MailTLS)
		},
		func(s *Settings, v string) bool {
			if s.MailTLS = MailTLS(v); v == startTLS {
				s.MailTLS = MailStartTLS
			}
			return v != ""
		}},
	wording("mail-user", "a word, or none", func(s *Settings) *string { return &s.MailUser }),
	wording("mail-from", "a mail address, or none", func(s *Settings) *string { return &s.MailFrom }),
	hosts("fetch-hosts", "hosts such as cal.example.org,cal.example.net:8443, or none", func(s *Settings) *Hosts { return &s.FetchHosts }),
	hosts("push-hosts", "hosts such as push.example.org,push.example.net:8443, or none", func(s *Settings) *Hosts { return &s.PushHosts }),
	{"inside", "networks such as 10.0.0.0/8,192.168.0.0/16, or none",
		func(s *Settings) string { return networksText(s.Inside) }, readNetworks},
}

// The words for what is not there, and for what is kept as nothing.
const (
	none     = "none"
	startTLS = "starttls"
)

// wording is a setting that is a text or nothing.
func wording(name, values string, field func(*Settings) *string) setting {
	return setting{name, values,
		func(s *Settings) string { return listText([]string{*field(s)}) },
		func(s *Settings, v string) bool {
			if *field(s) = v; v == none {
				*field(s) = ""
			}
			return true
		}}
}

// hosts is a setting that lists some, or nothing.
func hosts(name, values string, field func(*Settings) *Hosts) setting {
	return setting{name, values,
		func(s *Settings) string { return listText(*field(s)) },
		func(s *Settings, v string) bool {
			if *field(s) = nil; v != none && v != "" {
				*field(s) = strings.Split(v, ",")
			}
			return true
		}}
}

// listText joins words, of which an empty one is none.
func listText(words []string) string {
	if text := strings.Join(words, ","); text != "" {
		return text
	}
	return none
}

func toggle(name, on, off string, field func(*Settings) *bool) setting {
	return setting{name, on + " or " + off,
		func(s *Settings) string {
			if *field(s) {
				return on
			}
			return off
		},
		func(s *Settings, v string) bool {
			*field(s) = v == on
			return v == on || v == off
		}}
}

func number(name, values string, field func(*Settings) *int64) setting {
	return setting{name, values,
		func(s *Settings) string { return strconv.FormatInt(*field(s), 10) },
		func(s *Settings, v string) bool { return readNumber(v, field(s)) }}
}

func readNumber(text string, into *int64) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	*into = n
	return err == nil
}

func networksText(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = p.String()
	}
	return listText(words)
}

func readNetworks(s *Settings, text string) bool {
	s.Inside = []netip.Prefix{}
	if text == none || text == "" {
		return true
	}
	for word := range strings.SplitSeq(text, ",") {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			return false
		}
		s.Inside = append(s.Inside, p)
	}
	return true
}

// SettingNames lists the settings by name.
func SettingNames() []string {
	names := make([]string, len(settingTable))
	for i, row := range settingTable {
		names[i] = row.name
	}
	return names
}

// Text is one setting as people write it, empty for a name that is none.
func (s *Settings) Text(name string) string {
	if i := slices.IndexFunc(settingTable, func(row setting) bool { return row.name == name }); i >= 0 {
		return settingTable[i].text(s)
	}
	return ""
}

// Put reads one setting as people write it. What no instance can have is refused
// when the settings take effect.
func (s *Settings) Put(name, value string) error {
	i := slices.IndexFunc(settingTable, func(row setting) bool { return row.name == name })
	if i < 0 {
		return invalid("no setting %q (settings: %s)", name, strings.Join(SettingNames(), " "))
	}
	row := settingTable[i]
	if next := *s; !row.read(&next, value) {
		return invalid("%s=%s: write %s", name, value, row.values)
	}
	row.read(s, value)
	return nil
}
