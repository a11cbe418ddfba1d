package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// Operations on accounts.
var (
	AddUser        = change("user.add", (*Admin).AddUser)
	ListUsers      = define("user.list", admins, (*Admin).ListUsers)
	ShowUser       = define("user.show", oneself(namedUser), (*Admin).ShowUser)
	SetUser        = change("user.set", (*Admin).SetUser)
	DeactivateUser = change("user.deactivate", (*Admin).DeactivateUser)
	ActivateUser   = change("user.activate", (*Admin).ActivateUser)
	DeleteUser     = change("user.delete", (*Admin).DeleteUser)
	UnlockUser     = define("user.unlock", caretakers(namedUser), (*Admin).UnlockUser)
	SetPassword    = define("user.passwd", caretakers(func(p NewPassword) string { return p.Name }), (*Admin).SetPassword)
)

// A Named names one thing.
type Named struct {
	Name string `json:"name"`
}

// A User is an account as an operator sees it.
type User struct {
	Name     string      `json:"name"`
	Type     policy.Type `json:"type"`
	Active   bool        `json:"active"`
	Profile  string      `json:"profile"`
	Email    string      `json:"email,omitempty"`
	Language string      `json:"language,omitempty"`
	// Quota limits the personal drive: "10GB", "none". Empty without a drive.
	Quota    string   `json:"quota,omitempty"`
	OwnQuota bool     `json:"own_quota,omitempty"` // set for this account, not by its profile
	Used     int64    `json:"used"`                // bytes in the personal drive, trash included
	Groups   []string `json:"groups"`              // that hold it directly
	Devices  int      `json:"devices"`             // app passwords
	// Expires is when the account opens nothing any more.
	Expires *time.Time `json:"expires,omitempty"`
	Epoch   uint64     `json:"epoch,omitempty"` // of the policy it was looked up in; not in lists
}

// NewUser says what an account begins with.
type NewUser struct {
	Name     string      `json:"name"`
	Type     policy.Type `json:"type,omitempty"`    // member if empty
	Profile  string      `json:"profile,omitempty"` // "standard" if empty
	Email    string      `json:"email,omitempty"`
	Language string      `json:"language,omitempty"`
	Quota    string      `json:"quota,omitempty"` // the profile's if empty
	Expires  *time.Time  `json:"expires,omitempty"`
	Password string      `json:"password"`
}

// EditUser says what changes in an account; nil stays as it is.
type EditUser struct {
	Name     string       `json:"name"`
	NewName  *string      `json:"new_name,omitempty"`
	Type     *policy.Type `json:"type,omitempty"`
	Profile  *string      `json:"profile,omitempty"`
	Email    *string      `json:"email,omitempty"`
	Language *string      `json:"language,omitempty"`
	// Quota is a size, "none", or "profile" for what the profile says.
	Quota *string `json:"quota,omitempty"`
	// Expires is the end of the account; the zero time is for never.
	Expires *time.Time `json:"expires,omitempty"`
	// Heir gets the rooms and portals of an account whose new type owns none.
	Heir string `json:"heir,omitempty"`
}

// OldUser is an account that goes.
type OldUser struct {
	Name string `json:"name"`
	// Heir gets the spaces that it owns; needed when there are any.
	Heir string `json:"heir,omitempty"`
}

// A NewPassword is one for an account.
type NewPassword struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// quotaOfProfile is the word for a drive without a limit of its own.
const quotaOfProfile = "profile"

// AddUser makes an account, and its personal drive unless it is a guest's.
func (a *Admin) AddUser(ctx context.Context, n NewUser) (User, error) {
	if err := auth.CheckPassword(n.Password); err != nil {
		return User{}, err
	}
	state := a.st.Policy()
	u := policy.User{Name: n.Name, Type: n.Type}
	if u.Type == "" {
		u.Type = policy.Member
	}
	edit := EditUser{Email: &n.Email, Language: &n.Language, Expires: n.Expires}
	if n.Profile != "" {
		edit.Profile = &n.Profile
	}
	if n.Quota != "" {
		edit.Quota = &n.Quota
	}
	if err := edit.apply(state, &u); err != nil {
		return User{}, err
	}
	stored, err := a.auth.Hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	if u, err = a.op.AddUser(ctx, u, stored); err != nil {
		return User{}, err
	}
	return a.user(u.ID)
}

// ListUsers tells every account by name.
func (a *Admin) ListUsers(context.Context, None) ([]User, error) {
	state := a.st.Policy()
	users := []User{}
	for _, u := range state.Users() {
		shown, err := a.shown(state, u)
		if err != nil {
			return nil, err
		}
		users = append(users, shown)
	}
	return users, nil
}

// ShowUser tells one account.
func (a *Admin) ShowUser(_ context.Context, n Named) (User, error) {
	u, err := findUser(a.st.Policy(), n.Name)
	if err != nil {
		return User{}, err
	}
	return a.user(u.ID)
}

// SetUser changes fields of an account.
func (a *Admin) SetUser(ctx context.Context, e EditUser) (User, error) {
	if e == (EditUser{Name: e.Name, Heir: e.Heir}) {
		return User{}, invalid("", "say what to change of user %s", e.Name)
	}
	return a.changeUser(ctx, e.Name, e.Heir, e.apply)
}

// DeactivateUser closes an account from the next request on; nothing is lost.
func (a *Admin) DeactivateUser(ctx context.Context, n Named) (User, error) {
	return a.changeUser(ctx, n.Name, "", func(_ *policy.State, u *policy.User) error {
		u.Inactive = true
		return nil
	})
}

// ActivateUser opens a deactivated account again.
func (a *Admin) ActivateUser(ctx context.Context, n Named) (User, error) {
	return a.changeUser(ctx, n.Name, "", func(_ *policy.State, u *policy.User) error {
		u.Inactive = false
		return nil
	})
}

// DeleteUser deletes a deactivated account. The heir gets the spaces that it
// owns; its personal drive is kept among the spaces in the trash.
func (a *Admin) DeleteUser(ctx context.Context, o OldUser) (User, error) {
	if err := allowed(a, admins, o); err != nil {
		return User{}, err // before anything is told of the account
	}
	state := a.st.Policy()
	u, err := findUser(state, o.Name)
	if err != nil {
		return User{}, err
	}
	if !u.Inactive {
		return User{}, conflict("davit user deactivate "+u.Name, "user %s is active; deactivate the account before deleting it", u.Name)
	}
	heir := policy.Nobody
	if owned := ownedBy(state, u.ID); len(owned) > 0 {
		if heir, err = a.heir(state, u, owned, o.Heir); err != nil {
			return User{}, err
		}
	}
	gone, err := a.shown(state, u)
	if err != nil {
		return User{}, err
	}
	return gone, a.op.RemoveUser(ctx, u.ID, heir)
}

// ownedBy lists the spaces of an account beside its drive, or those of some kinds.
func ownedBy(state *policy.State, id policy.ID, kinds ...policy.SpaceKind) (owned []*policy.Space) {
	for _, sp := range state.Spaces() {
		if sp.Owner == id && sp.Kind != policy.Personal && (kinds == nil || slices.Contains(kinds, sp.Kind)) {
			owned = append(owned, sp)
		}
	}
	return owned
}

// heir finds who gets the spaces that an account owns.
func (a *Admin) heir(state *policy.State, u *policy.User, owned []*policy.Space, name string) (policy.ID, error) {
	if name == "" {
		return policy.Nobody, conflict("add --heir USER, or davit space transfer "+strconv.Quote(owned[0].Name)+" USER",
			"user %s owns the space %s; hand it over first", u.Name, owned[0].Name)
	}
	to, err := a.findUser(state, name)
	if err != nil {
		return policy.Nobody, err
	}
	if to.ID == u.ID {
		return policy.Nobody, invalid("", "user %s cannot be the own heir", u.Name)
	}
	return to.ID, nil
}

// UnlockUser lets an account sign in again that failures have locked.
func (a *Admin) UnlockUser(ctx context.Context, n Named) (User, error) {
	u, err := findUser(a.st.Policy(), n.Name)
	if err != nil {
		return User{}, err
	}
	if err := a.auth.Unlock(ctx, u.ID); err != nil {
		return User{}, err
	}
	return a.user(u.ID)
}

// SetPassword gives an account a new main password.
func (a *Admin) SetPassword(ctx context.Context, p NewPassword) (User, error) {
	u, err := findUser(a.st.Policy(), p.Name)
	if err != nil {
		return User{}, err
	}
	if err := a.auth.SetPassword(ctx, u.ID, p.Password); err != nil {
		return User{}, err
	}
	return a.user(u.ID)
}

// findUser finds an account by "mia" or "user:mia".
func findUser(state *policy.State, name string) (*policy.User, error) {
	if u := state.UserNamed(strings.TrimPrefix(name, "user:")); u != nil {
		return u, nil
	}
	return nil, notFound("davit user list", "no user %q", name)
}

// findUser is findUser for who acts: an account that he may not know of is none.
func (a *Admin) findUser(state *policy.State, name string) (*policy.User, error) {
	u, err := findUser(state, name)
	if err == nil && !a.knows(state, u.ID) {
		return nil, notFound("davit user list", "no user %q", name)
	}
	return u, err
}

// knows tells whether who acts may know that a principal is there.
func (a *Admin) knows(state *policy.State, id policy.ID) bool {
	return a.as == "" || state.Knows(a.by, id)
}

// changeUser edits an account in one transaction. The heir is for what it may
// own no more.
func (a *Admin) changeUser(ctx context.Context, name, heir string, edit func(*policy.State, *policy.User) error) (User, error) {
	var id policy.ID
	err := a.op.ChangeUser(ctx, func(state *policy.State) (policy.User, []policy.Change, error) {
		was, err := a.findUser(state, name)
		if err != nil {
			return policy.User{}, nil, err
		}
		u := *was
		if err := edit(state, &u); err != nil {
			return u, nil, err
		}
		if err := keepsOwner(state, was, &u); err != nil {
			return u, nil, err
		}
		id = u.ID
		before, err := a.handovers(state, was, &u, heir)
		return u, before, err
	})
	if err != nil {
		return User{}, err
	}
	return a.user(id)
}

// handovers give the rooms and portals of an account to the heir when the new
// type of the account owns none.
func (a *Admin) handovers(state *policy.State, was, next *policy.User, heir string) ([]policy.Change, error) {
	owned := ownedBy(state, was.ID, policy.Room, policy.Portal)
	if len(owned) == 0 || !was.Type.MakesSpaces() || next.Type.MakesSpaces() {
		return nil, nil
	}
	to, err := a.heir(state, was, owned, heir)
	if err != nil {
		return nil, err
	}
	changes := make([]policy.Change, len(owned))
	for i, sp := range owned {
		changes[i] = policy.TransferSpace{Space: sp.ID, Owner: to}
	}
	return changes, nil
}

// keepsOwner refuses what would leave no active owner. Policy refuses it as
// well; here the answer has the next step.
func keepsOwner(state *policy.State, was, next *policy.User) error {
	owns := func(u *policy.User) bool { return u.Type == policy.Owner && !u.Inactive && u.Until == 0 }
	another := slices.ContainsFunc(state.Users(), func(u *policy.User) bool { return u.ID != was.ID && owns(u) })
	if owns(was) && !owns(next) && !another {
		return refused("davit user set NAME --type owner", "%s is the last active owner; make another account owner first", was.Name)
	}
	return nil
}

// apply puts what is given into u.
func (e EditUser) apply(state *policy.State, u *policy.User) error {
	if e.NewName != nil {
		u.Name = *e.NewName
	}
	if e.Type != nil {
		u.Type = *e.Type
	}
	if e.Profile != nil {
		p, err := findProfile(state, *e.Profile)
		if err != nil {
			return err
		}
		u.Profile = p.ID
	}
	if e.Email != nil {
		if err := checkEmail(*e.Email); err != nil {
			return err
		}
		u.Email = *e.Email
	}
	if e.Language != nil {
		if err := checkLanguage(*e.Language); err != nil {
			return err
		}
		u.Language = *e.Language
	}
	if e.Expires != nil {
		u.Until = seconds(e.Expires)
	}
	if e.Quota != nil {
		limit, err := driveQuota(*e.Quota)
		if err != nil {
			return err
		}
		u.Quota = limit
	}
	return nil
}

// driveQuota reads a size, "none", or "profile", which is nil.
func driveQuota(text string) (*policy.Limit, error) {
	if text == quotaOfProfile {
		return nil, nil
	}
	limit, err := policy.ParseLimit(text)
	return &limit, err
}

const (
	emailMax    = 254 // RFC 5321, section 4.5.3.1.3, less the angle brackets
	languageMax = 35  // RFC 5646, section 4.4.1
)

func checkEmail(email string) error {
	_, domain, ok := strings.Cut(email, "@")
	blank := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
	if email != "" && (!ok || domain == "" || email[0] == '@' || len(email) > emailMax || strings.ContainsFunc(email, blank)) {
		return invalid("", "mail address %q: write it like mia@example.org", clip(email))
	}
	return nil
}

func checkLanguage(tag string) error {
	odd := func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	if len(tag) > languageMax || strings.ContainsFunc(tag, odd) {
		return invalid("", "language %q: write a tag like en or pt-BR", clip(tag))
	}
	return nil
}

// user tells an account as it is now.
func (a *Admin) user(id policy.ID) (User, error) {
	state := a.st.Policy()
	u := state.User(id)
	if u == nil {
		return User{}, fmt.Errorf("the account is gone: %w", store.ErrNotFound)
	}
	shown, err := a.shown(state, u)
	shown.Epoch = state.Epoch
	return shown, err
}

func (a *Admin) shown(state *policy.State, u *policy.User) (User, error) {
	shown := User{
		Name: u.Name, Type: u.Type, Active: !u.Inactive, Email: u.Email, Language: u.Language, Expires: moment(u.Until),
		OwnQuota: u.Quota != nil, Groups: principals(state, state.GroupsOf(u.ID)),
	}
	limit := policy.NoLimit
	if p := state.Profile(u.Profile); p != nil {
		shown.Profile, limit = p.Name, p.Quota
	}
	if u.Quota != nil {
		limit = *u.Quota
	}
	if home := state.Space(u.Home); home != nil && u.Type != policy.Guest {
		shown.Quota = limit.String()
		shown.Used = a.op.Usage(home.Root, limit).Used()
	}
	account, err := a.st.Account(u.Name)
	shown.Devices = len(account.Devices)
	return shown, err
}

// principals names a list of them, in order.
func principals(state *policy.State, ids []policy.ID) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = state.PrincipalName(id)
	}
	slices.Sort(names)
	return names
}
