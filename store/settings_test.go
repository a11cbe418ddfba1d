package store

import (
	"net/netip"
	"reflect"
	"testing"

	"davit/policy"
)

// TestSettingsStay: what somebody switched off is off after a restart.
func TestSettingsStay(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	if got := of.st.Policy().Settings(); !reflect.DeepEqual(got, policy.DefaultSettings) {
		t.Errorf("the settings begin as %+v", got)
	}
	set := policy.Settings{
		LinkDays: 7, LinkPassword: true, Sharing: policy.ShareOwn, AdminReads: policy.ReadsAudited, LockoutAfter: 3,
		Inside: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	}
	of.change(policy.PutSettings{Settings: set})
	of.reopen()
	if got := of.st.Policy().Settings(); !reflect.DeepEqual(got, set) {
		t.Errorf("kept as %+v", got)
	}
}
