package policy

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// This file says what the instance does outward: to which mail server it hands
// letters, from where it fetches calendars, and which push services it tells of changes.

// CarriesMail tells whether letters to people outside are sent.
func (s *Settings) CarriesMail() bool { return s.MailServer != "" && s.MailFrom != "" }

// mailbox is who gets the letters, and on which terms.
func (s *Settings) mailbox() [4]string {
	return [4]string{s.MailServer, string(s.MailTLS), s.MailUser, s.MailFrom}
}

// IsMailAddress tells whether a text is a plain mail address that can be written
// into a letter: no name, no comment, no quotes, and ASCII alone.
func IsMailAddress(text string) bool {
	local, domain, found := strings.Cut(text, "@")
	if !found || len(text) > mailTextMax || local == "" || len(local) > localPartMax || !isHostName(domain) {
		return false
	}
	for label := range strings.SplitSeq(local, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !isAtomText(r) }) {
			return false
		}
	}
	return true
}

// localPartMax is how long the part before the @ may be, in bytes.
const localPartMax = 64 // RFC 5321, section 4.5.3.1.1

// isAtomText tells whether a character needs no quotes. RFC 5322, section 3.2.3
func isAtomText(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// isHostName tells whether a text is the name of a host, or an IPv4 address.
func isHostName(text string) bool {
	if text == "" || len(text) > hostNameMax {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > domainLabelMax || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool {
				return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
			}) {
			return false
		}
	}
	return true
}

// Bounds of host names, in bytes. RFC 1035, section 2.3.4
const (
	hostNameMax    = 253
	domainLabelMax = 63
)

// checkMail refuses settings by which no letter could be sent.
func (s *Settings) checkMail() error {
	if s.MailServer != "" && !isServer(s.MailServer) {
		return invalid("mail server %q: write HOST:PORT, such as smtp.example.org:587, or none", s.MailServer)
	}
	if s.MailFrom != "" && !IsMailAddress(s.MailFrom) {
		return invalid("letters come from a mail address, such as calendar@example.org, and %q is none", s.MailFrom)
	}
	switch s.MailTLS {
	case MailStartTLS, MailImplicit, MailPlain:
	default:
		return invalid("no TLS %q for mail (write starttls, implicit or none)", s.MailTLS)
	}
	if len(s.MailUser) > mailTextMax || strings.ContainsFunc(s.MailUser, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return invalid("the user at the mail server is one word of at most %d bytes", mailTextMax)
	}
	return nil
}

// isServer reads HOST:PORT.
func isServer(text string) bool {
	at := strings.LastIndexByte(text, ':')
	if at < 0 || !isHost(text[:at]) {
		return false
	}
	port, err := strconv.ParseUint(text[at+1:], 10, 16)
	return err == nil && port > 0
}

// isHost reads a name or an address, one of IPv6 in brackets.
func isHost(text string) bool {
	if inner, is := strings.CutPrefix(text, "["); is {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && strings.HasSuffix(inner, "]") && addr.Is6() && addr.Zone() == ""
	}
	return isHostName(text)
}

// plainScheme begins an entry by which a host is also asked without TLS.
const plainScheme = "http://"

// Hosts are what the server itself may ask: hosts, with a port where it is not the
// usual one, after http:// also without TLS; and networks whose addresses may be asked
// although they are nobody's on the internet.
type Hosts []string

// check refuses entries that say nothing.
func (h Hosts) check(what string) error {
	if len(h) > hostsMax {
		return invalid("at most %d hosts to %s", hostsMax, what)
	}
	for _, word := range h {
		if _, err := netip.ParsePrefix(word); err == nil {
			continue
		}
		if host := strings.TrimPrefix(word, plainScheme); !isHost(host) && !isServer(host) {
			return invalid("%q is no host to %s (write cal.example.org, cal.example.org:8443, http://cal.example.org without TLS, or a network such as 10.1.0.0/16 whose addresses may be asked)", word, what)
		}
	}
	return nil
}

// Fetches tells whether the server fetches from a URL.
func (s *Settings) Fetches(u *url.URL) bool { return s.FetchHosts.has(u) }

// Pushes tells whether a URL is that of a push service which the server may tell of
// changes.
func (s *Settings) Pushes(u *url.URL) bool { return s.PushHosts.has(u) }

// has tells whether the host and port of a URL are listed, and without TLS are
// listed for that.
func (h Hosts) has(u *url.URL) bool {
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return false
	}
	host, port := Fold(u.Hostname()), u.Port()
	usual := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if port == "" {
		port = usual
	}
	for _, word := range h {
		listed, plain := strings.CutPrefix(word, plainScheme)
		if u.Scheme == "http" && !plain {
			continue
		}
		entry := url.URL{Host: listed}
		if Fold(entry.Hostname()) != host {
			continue
		}
		if p := entry.Port(); p == port || p == "" && port == usual {
			return true
		}
	}
	return false
}

// unroutable are networks beside those that netip tells of, whose addresses are no
// one's on the internet. RFC 6890
var unroutable = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// FetchesAt tells whether the server connects to an address to fetch from.
func (s *Settings) FetchesAt(addr netip.Addr) bool { return s.reaches(s.FetchHosts, addr) }

// PushesAt tells whether it connects to one to push to.
func (s *Settings) PushesAt(addr netip.Addr) bool { return s.reaches(s.PushHosts, addr) }

// reaches tells whether an address is one of the internet, or of a network that is
// listed.
func (s *Settings) reaches(list Hosts, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, word := range list {
		if p, err := netip.ParsePrefix(word); err == nil && p.Contains(addr) {
			return true
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || s.inside(addr) {
		return false
	}
	for _, p := range unroutable {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
