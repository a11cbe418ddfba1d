package policy_test

import (
	"errors"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"davit/policy"
)

func TestSettingsAsText(t *testing.T) {
	other := policy.Settings{
		LinkDays: 7, LinkPassword: true, Sharing: policy.ShareNone, TwoFactor: true,
		AdminReads: policy.ReadsAudited, LockoutAfter: 3, MailServer: "smtp.example.org:465", MailTLS: policy.MailImplicit, MailUser: "davit", MailFrom: "calendar@example.org",
		FetchHosts: []string{"cal.example.org", "http://127.0.0.1:8080", "10.0.0.0/8"}, PushHosts: []string{"push.example.org"}, Inside: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	}
	none := policy.DefaultSettings
	none.Inside = []netip.Prefix{}
	for _, want := range []policy.Settings{policy.DefaultSettings, other, none} {
		var got policy.Settings
		for _, name := range policy.SettingNames() {
			if err := got.Put(name, want.Text(name)); err != nil {
				t.Errorf("%s=%s: %v", name, want.Text(name), err)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("written and read %+v is %+v", want, got)
		}
	}
	if n := reflect.TypeFor[policy.Settings]().NumField(); n != len(policy.SettingNames()) {
		t.Errorf("%d settings have a name, there are %d", len(policy.SettingNames()), n)
	}
}

func TestSettingsThatAreNone(t *testing.T) {
	for _, row := range []struct{ name, value string }{
		{"colour", "red"}, {"links", "maybe"}, {"links", ""}, {"link-days", "many"}, {"lockout-after", "99999999999"}, {"trash-days", "month"},
		{"inside", "10.0.0.0"}, {"inside", "10.0.0.0/8,"}, {"two-factor", "on"},
	} {
		s := policy.DefaultSettings
		if err := s.Put(row.name, row.value); !errors.Is(err, policy.ErrInvalid) || !reflect.DeepEqual(s, policy.DefaultSettings) {
			t.Errorf("%s=%s: %v, and %+v", row.name, row.value, err, s)
		}
	}
	for _, row := range []struct{ name, value string }{
		{"link-days", "-1"}, {"link-days", "100000"}, {"sharing", "all"}, {"admin-reads", "sometimes"}, {"lockout-after", "0"},
		{"trash-days", "-1"}, {"trash-days", "40000"}, {"version-days", "-1"}, {"version-days", "40000"}, {"versions", "-1"}, {"versions", "1001"},
		{"mail-server", "smtp.example.org"}, {"mail-server", "smtp.example.org:0"}, {"mail-server", "-:25"}, {"mail-server", "[::1:25"}, {"mail-tls", "perhaps"},
		{"mail-from", "calendar"}, {"mail-from", "Calendar <c@example.org>"}, {"mail-from", "c@example.org\r\nBcc: x@example.org"}, {"mail-user", "a b"},
		{"fetch-hosts", "https://cal.example.org"}, {"fetch-hosts", "cal.example.org/x"}, {"fetch-hosts", ","}, {"fetch-hosts", "*"}, {"push-hosts", "push.example.org/x"},
	} {
		w := newOrganisation(t)
		s := policy.DefaultSettings
		if err := s.Put(row.name, row.value); err != nil {
			t.Fatal(err)
		}
		if err := w.try(policy.PutSettings{Settings: s}); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%s=%s in force: %v", row.name, row.value, err)
		}
	}
}

// The server fetches from where the settings say, and connects to no address that
// is not on the internet unless they list its network.
func TestFetches(t *testing.T) {
	set := policy.DefaultSettings
	set.FetchHosts = []string{"cal.example.org", "cal.example.net:8443", "http://plain.example.org", "[2001:4860::1]", "10.1.0.0/16"}
	for text, want := range map[string]bool{
		"https://cal.example.org/a.ics": true, "https://CAL.example.org:443/": true, "https://cal.example.org:444/": false,
		"http://cal.example.org/": false, "https://cal.example.net/": false, "https://cal.example.net:8443/": true,
		"http://plain.example.org/": true, "https://plain.example.org/": true, "http://plain.example.org:8080/": false,
		"https://cal.example.org.evil.test/": false, "https://x@cal.example.org/": false, "https://[2001:4860::1]/": true,
		"ftp://cal.example.org/": false, "https:///a": false, "file:///etc/passwd": false, "https://10.1.0.1/": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if set.Fetches(u) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2a00:1450::1": true, "127.0.0.1": false, "::1": false, "10.2.0.1": false, "10.1.2.3": true, "::ffff:10.2.0.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "fe80::1": false, "fd00::1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "255.255.255.255": false, "192.168.1.1": false,
	} {
		if set.FetchesAt(netip.MustParseAddr(text)) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}

func TestMailAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"guest@example.com": true, "o'neil+x@mail.example.com": true, "a@b": true,
		"": false, "guest": false, "@example.com": false, "guest@": false, "a@b@c": false, "a b@example.com": false, "a..b@example.com": false,
		".a@example.com": false, "a@-x.com": false, "a@x..com": false, "gäst@example.com": false, "a@exämple.com": false, "<a@example.com>": false,
		"a@example.com>\r\nRCPT TO:<b@example.com": false, "a@example.com\r\n": false, "\"a b\"@example.com": false, "a@[127.0.0.1]": false,
		strings.Repeat("a", 65) + "@example.com": false, "a,b@example.com": false,
	} {
		if policy.IsMailAddress(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
