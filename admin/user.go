package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// Operations on accounts.
var (
	AddUser        = define("user.add", (*Admin).AddUser)
	ListUsers      = define("user.list", (*Admin).ListUsers)
	ShowUser       = define("user.show", (*Admin).ShowUser)
	SetUser        = define("user.set", (*Admin).SetUser)
	DeactivateUser = define("user.deactivate", (*Admin).DeactivateUser)
	ActivateUser   = define("user.activate", (*Admin).ActivateUser)
	DeleteUser     = define("user.delete", (*Admin).DeleteUser)
	UnlockUser     = define("user.unlock", (*Admin).UnlockUser)
	SetPassword    = define("user.passwd", (*Admin).SetPassword)
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
}

// NewUser says what an account begins with.
type NewUser struct {
	Name     string      `json:"name"`
	Type     policy.Type `json:"type,omitempty"`    // member if empty
	Profile  string      `json:"profile,omitempty"` // "standard" if empty
	Email    string      `json:"email,omitempty"`
	Language string      `json:"language,omitempty"`
	Quota    string      `json:"quota,omitempty"` // the profile's if empty
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
	edit := EditUser{Email: &n.Email, Language: &n.Language}
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
	if e == (EditUser{Name: e.Name}) {
		return User{}, invalid("", "say what to change of user %s", e.Name)
	}
	return a.changeUser(ctx, e.Name, e.apply)
}

// DeactivateUser closes an account from the next request on; nothing is lost.
func (a *Admin) DeactivateUser(ctx context.Context, n Named) (User, error) {
	return a.changeUser(ctx, n.Name, func(_ *policy.State, u *policy.User) error {
		u.Inactive = true
		return nil
	})
}

// ActivateUser opens a deactivated account again.
func (a *Admin) ActivateUser(ctx context.Context, n Named) (User, error) {
	return a.changeUser(ctx, n.Name, func(_ *policy.State, u *policy.User) error {
		u.Inactive = false
		return nil
	})
}

// DeleteUser deletes a deactivated account. Its personal drive goes to the trash.
func (a *Admin) DeleteUser(ctx context.Context, n Named) (User, error) {
	state := a.st.Policy()
	u, err := findUser(state, n.Name)
	if err != nil {
		return User{}, err
	}
	if !u.Inactive {
		return User{}, conflict("davit user deactivate "+u.Name, "user %s is active; deactivate the account before deleting it", u.Name)
	}
	for _, sp := range state.Spaces() {
		if sp.Owner == u.ID && sp.ID != u.Home {
			return User{}, conflict(fmt.Sprintf("davit space set %q --owner NAME", sp.Name),
				"user %s owns the space %s; hand it over first", u.Name, sp.Name)
		}
	}
	gone, err := a.shown(state, u)
	if err != nil {
		return User{}, err
	}
	return gone, a.op.RemoveUser(ctx, u.ID)
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

// changeUser edits an account in one transaction.
func (a *Admin) changeUser(ctx context.Context, name string, edit func(*policy.State, *policy.User) error) (User, error) {
	var id policy.ID
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		was, err := findUser(state, name)
		if err != nil {
			return nil, err
		}
		u := *was
		if err := edit(state, &u); err != nil {
			return nil, err
		}
		if err := keepsOwner(state, was, &u); err != nil {
			return nil, err
		}
		id = u.ID
		return putUser(state, was, u), nil
	})
	if err != nil {
		return User{}, err
	}
	return a.user(id)
}

// putUser makes the changes that replace an account; its drive is called like it.
func putUser(state *policy.State, was *policy.User, u policy.User) []policy.Change {
	changes := []policy.Change{policy.PutUser{User: u}}
	if home := state.Space(u.Home); home != nil && u.Name != was.Name {
		renamed := *home
		renamed.Name = "~" + u.Name
		changes = append(changes, policy.PutSpace{Space: renamed})
	}
	return changes
}

// keepsOwner refuses what would leave no active owner. Policy refuses it as
// well; here the answer has the next step.
func keepsOwner(state *policy.State, was, next *policy.User) error {
	owns := func(u *policy.User) bool { return u.Type == policy.Owner && !u.Inactive }
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
		if u.Type != *e.Type && (u.Type == policy.Guest || *e.Type == policy.Guest) {
			return refused("add a second account and hand over", "%s: a guest has no personal drive, so no account becomes one or stops being one", u.Name)
		}
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
	return a.shown(state, u)
}

func (a *Admin) shown(state *policy.State, u *policy.User) (User, error) {
	shown := User{
		Name: u.Name, Type: u.Type, Active: !u.Inactive, Email: u.Email, Language: u.Language,
		OwnQuota: u.Quota != nil, Groups: principals(state, state.GroupsOf(u.ID)),
	}
	limit := policy.NoLimit
	if p := state.Profile(u.Profile); p != nil {
		shown.Profile, limit = p.Name, p.Quota
	}
	if u.Quota != nil {
		limit = *u.Quota
	}
	if home := state.Space(u.Home); home != nil {
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
