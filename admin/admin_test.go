package admin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// newAdmin makes an Admin over a new store, which is checked at the end.
func newAdmin(t testing.TB) *Admin {
	t.Helper()
	return openAdmin(t, filepath.Join(t.TempDir(), "data"))
}

func openAdmin(t testing.TB, dir string) *Admin {
	t.Helper()
	if err := store.Init(dir, store.Options{}); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		found, err := st.Check(context.Background())
		if err != nil || len(found.Faults) > 0 {
			t.Errorf("check: %v %q", err, found.Faults)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(st, auth.New(st, auth.Options{}))
}

// user makes an account without a password, which costs no work.
func (a *Admin) testUser(t *testing.T, name string, kind policy.Type) policy.User {
	t.Helper()
	u, err := a.op.AddUser(context.Background(), policy.User{Name: name, Type: kind}, "")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func kindOf(err error) Kind {
	var told *Error
	if errors.As(err, &told) {
		return told.Kind
	}
	return ""
}

func TestErrorKinds(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind Kind
		text string
	}{
		{fmt.Errorf("no user %q: %w", "bob", store.ErrNotFound), NotFound, `no user "bob"`},
		{fmt.Errorf("/Finance/x: %w", store.ErrNotFound), NotFound, "/Finance/x: not found"},
		{fmt.Errorf("mia is not in staff: %w", policy.ErrNotFound), NotFound, "mia is not in staff"},
		{fmt.Errorf("group %q: %w", "staff", policy.ErrExists), Conflict, `group "staff": exists already`},
		{fmt.Errorf("an account has at most 100 devices: %w", store.ErrTooMany), Conflict, "an account has at most 100 devices: " + store.ErrTooMany.Error()},
		{fmt.Errorf("size %q: use none: %w", "x", policy.ErrInvalid), Invalid, `size "x": use none`},
		{fmt.Errorf("%w: too short", auth.ErrPassword), Invalid, "password refused: too short"},
		{fmt.Errorf("wrapped: %w", refused("", "never")), Refused, "never"},
		{errors.New("disk on fire"), Failed, "disk on fire"},
	} {
		if got := tell(c.err); kindOf(got) != c.kind || got.Error() != c.text {
			t.Errorf("%v: %s %q, want %s %q", c.err, kindOf(got), got, c.kind, c.text)
		}
	}
	if err := tell(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}

// TestDirectTypes: a caller that mixes up operations is told, not served.
func TestDirectTypes(t *testing.T) {
	a := newAdmin(t)
	var user User
	for name, err := range map[string]error{
		"wrong arguments": a.Do(context.Background(), "user.show", NewUser{}, &user),
		"wrong result":    a.Do(context.Background(), "user.show", Named{}, &Group{}),
	} {
		if kindOf(err) != Failed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Do(context.Background(), "user.fly", Named{}, &user); kindOf(err) != NotFound {
		t.Errorf("unknown operation: %v", err)
	}
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]string{
		"/Finance/2026": "/Finance/2026", "Finance/2026/": "/Finance/2026", "//Finance//2026": "/Finance/2026",
		"~mia/notes": "~mia/notes", "/~mia": "~mia", "/Cafe\u0301": "/Caf\u00e9", "/...": "/...",
	} {
		if p, err := ParsePath(text); err != nil || p.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, p, err, want)
		}
	}
	long := make([]byte, pathMax+1)
	for i := range long {
		long[i] = 'x'
	}
	for _, text := range []string{
		"", "/", "/Finance/..", "./Finance", "/Fin\x00ance", "/Finance/a\nb", "/Fin\xffance", string(long[:nameMax+1]), string(long),
	} {
		if p, err := ParsePath(text); kindOf(err) != Invalid {
			t.Errorf("%q: %q, %v", clip(text), p, err)
		}
	}
}

// TestPasswordReachesAuth: what an operator sets opens the account, and nothing
// else does.
func TestPasswordReachesAuth(t *testing.T) {
	a := newAdmin(t)
	ctx := context.Background()
	if _, err := a.AddUser(ctx, NewUser{Name: "mia", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetPassword(ctx, NewPassword{"mia", "battery staple"}); err != nil {
		t.Fatal(err)
	}
	d, err := a.AddDevice(ctx, NewDevice{User: "mia", Name: "phone", Class: policy.Mobile, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for secret, opens := range map[string]bool{"correct horse": false, "battery staple": true, d.Secret: true, "": false} {
		_, err := a.auth.Basic(ctx, "mia", secret, netip.Addr{})
		if opens != (err == nil) {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
	if _, err := a.RemoveDevice(ctx, DeviceOf{"mia", "phone"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.auth.Basic(ctx, "mia", d.Secret, netip.Addr{}); !errors.Is(err, auth.ErrLogin) {
		t.Errorf("a removed device: %v", err)
	}
}
