package admin

import (
	"context"
	"time"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// Operations on app passwords.
var (
	AddDevice    = define("device.add", self(func(n NewDevice) string { return n.User }), (*Admin).AddDevice)
	ListDevices  = define("device.list", caretakers(namedUser), (*Admin).ListDevices)
	RemoveDevice = define("device.remove", caretakers(func(of DeviceOf) string { return of.User }), (*Admin).RemoveDevice)
)

// A Device is an app password, made for one client of one account.
type Device struct {
	User     string       `json:"user"`
	Name     string       `json:"name"`
	Class    policy.Class `json:"class"`
	ReadOnly bool         `json:"read_only,omitempty"`
	Spaces   []string     `json:"spaces,omitempty"` // that it opens; all if there are none
	Created  time.Time    `json:"created"`
	Expires  *time.Time   `json:"expires,omitempty"`
	// Secret is told once, by AddDevice.
	Secret string `json:"secret,omitempty"`
}

// NewDevice says what an app password is for.
type NewDevice struct {
	User     string       `json:"user"`
	Name     string       `json:"name"`
	Class    policy.Class `json:"class"`
	ReadOnly bool         `json:"read_only,omitempty"`
	Spaces   []string     `json:"spaces,omitempty"` // that it opens; all if there are none
	Expires  *time.Time   `json:"expires,omitempty"`
}

// A DeviceOf names one app password of an account.
type DeviceOf struct {
	User string `json:"user"`
	Name string `json:"name"`
}

// AddDevice makes an app password; its secret is in the answer and nowhere else.
func (a *Admin) AddDevice(ctx context.Context, n NewDevice) (Device, error) {
	state := a.st.Policy()
	u, err := findUser(state, n.User)
	if err != nil {
		return Device{}, err
	}
	asked := auth.NewDevice{Name: n.Name, Class: n.Class, ReadOnly: n.ReadOnly}
	if n.Expires != nil {
		asked.Expires = *n.Expires
	}
	for _, name := range n.Spaces {
		sp, err := a.findSpace(state, name)
		if err != nil {
			return Device{}, err
		}
		asked.Spaces = append(asked.Spaces, sp.ID)
	}
	d, secret, err := a.auth.AddDevice(ctx, u.ID, asked)
	if err != nil {
		return Device{}, err
	}
	shown := deviceShown(state, u.Name, d)
	shown.Secret = secret
	return shown, nil
}

// ListDevices tells the app passwords of an account, without their secrets.
func (a *Admin) ListDevices(_ context.Context, n Named) ([]Device, error) {
	account, err := a.account(n.Name)
	if err != nil {
		return nil, err
	}
	devices := []Device{}
	for _, d := range account.Devices {
		devices = append(devices, deviceShown(a.st.Policy(), account.Name, d))
	}
	return devices, nil
}

// RemoveDevice ends an app password from its next request on.
func (a *Admin) RemoveDevice(ctx context.Context, of DeviceOf) (Device, error) {
	account, err := a.account(of.User)
	if err != nil {
		return Device{}, err
	}
	for _, d := range account.Devices {
		if d.Name == of.Name {
			return deviceShown(a.st.Policy(), account.Name, d), a.auth.RemoveDevice(ctx, account.ID, d.ID)
		}
	}
	return Device{}, notFound("davit device list "+account.Name, "user %s has no device %q", account.Name, of.Name)
}

func (a *Admin) account(name string) (store.Account, error) {
	u, err := findUser(a.st.Policy(), name)
	if err != nil {
		return store.Account{}, err
	}
	return a.st.Account(u.Name)
}

func deviceShown(state *policy.State, user string, d store.Device) Device {
	shown := Device{User: user, Name: d.Name, Class: d.Class, ReadOnly: d.ReadOnly, Created: d.Created}
	for _, id := range d.Spaces {
		name := "(deleted)"
		if sp := state.Space(id); sp != nil {
			name = store.SpacePath(state, sp)
		}
		shown.Spaces = append(shown.Spaces, name)
	}
	if !d.Expires.IsZero() {
		shown.Expires = &d.Expires
	}
	return shown
}
