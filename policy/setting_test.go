package policy_test

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"davit/policy"
)

func TestSettingsAsText(t *testing.T) {
	other := policy.Settings{
		LinkDays: 7, LinkPassword: true, Sharing: policy.ShareNone, TwoFactor: true,
		AdminReads: policy.ReadsAudited, LockoutAfter: 3, Inside: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
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
