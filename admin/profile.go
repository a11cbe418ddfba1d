package admin

import (
	"context"

	"davit/policy"
)

// Operations on profiles.
var (
	AddProfile    = define("profile.add", (*Admin).AddProfile)
	SetProfile    = define("profile.set", (*Admin).SetProfile)
	ListProfiles  = define("profile.list", (*Admin).ListProfiles)
	ShowProfile   = define("profile.show", (*Admin).ShowProfile)
	RemoveProfile = define("profile.remove", (*Admin).RemoveProfile)
)

// A Profile is what accounts of one kind have in common.
type Profile struct {
	Name  string `json:"name"`
	Quota string `json:"quota"` // of each personal drive
	// Functions are what its users may use: "all", "none" or names.
	Functions string   `json:"functions"`
	Users     []string `json:"users"` // that have it
}

// EditProfile says what a profile begins with, or what changes in it.
type EditProfile struct {
	Name    string  `json:"name"`
	NewName *string `json:"new_name,omitempty"`
	Quota   *string `json:"quota,omitempty"`
	// Functions are names and groups of them, such as "files,write,chan.mobile".
	Functions *string `json:"functions,omitempty"`
}

// OldProfile is a profile that goes, and the one that its users get.
type OldProfile struct {
	Name        string `json:"name"`
	ReplaceWith string `json:"replace_with,omitempty"`
}

// AddProfile makes a profile, without a limit unless one is given.
func (a *Admin) AddProfile(ctx context.Context, e EditProfile) (Profile, error) {
	p := policy.Profile{Name: e.Name, Quota: policy.NoLimit}
	if err := e.apply(&p); err != nil {
		return Profile{}, err
	}
	p, err := a.op.AddProfile(ctx, p)
	if err != nil {
		return Profile{}, err
	}
	return profileShown(a.st.Policy(), &p), nil
}

// SetProfile changes a profile, and with it all its users.
func (a *Admin) SetProfile(ctx context.Context, e EditProfile) (Profile, error) {
	if e == (EditProfile{Name: e.Name}) {
		return Profile{}, invalid("", "say what to change of profile %s", e.Name)
	}
	var next policy.Profile
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		p, err := findProfile(state, e.Name)
		if err != nil {
			return nil, err
		}
		next = *p
		if err := e.apply(&next); err != nil {
			return nil, err
		}
		return []policy.Change{policy.PutProfile{Profile: next}}, nil
	})
	if err != nil {
		return Profile{}, err
	}
	return profileShown(a.st.Policy(), &next), nil
}

// ListProfiles tells every profile by name.
func (a *Admin) ListProfiles(context.Context, None) ([]Profile, error) {
	state := a.st.Policy()
	profiles := []Profile{}
	for _, p := range state.Profiles() {
		profiles = append(profiles, profileShown(state, p))
	}
	return profiles, nil
}

// ShowProfile tells one profile.
func (a *Admin) ShowProfile(_ context.Context, n Named) (Profile, error) {
	state := a.st.Policy()
	p, err := findProfile(state, n.Name)
	if err != nil {
		return Profile{}, err
	}
	return profileShown(state, p), nil
}

func (e EditProfile) apply(p *policy.Profile) (err error) {
	if e.NewName != nil {
		p.Name = *e.NewName
	}
	if e.Quota != nil {
		if p.Quota, err = policy.ParseLimit(*e.Quota); err != nil {
			return err
		}
	}
	if e.Functions != nil {
		var on policy.Functions
		if on, err = policy.ParseFunctions(*e.Functions); err != nil {
			return err
		}
		if p.Functions = &on; on == policy.AllFunctions {
			p.Functions = nil // also those that a later version adds
		}
	}
	return nil
}

// RemoveProfile deletes a profile; its users get another, which has to be named
// when there are any.
func (a *Admin) RemoveProfile(ctx context.Context, o OldProfile) (Profile, error) {
	var gone Profile
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		p, err := findProfile(state, o.Name)
		if err != nil {
			return nil, err
		}
		gone = profileShown(state, p)
		change := policy.DropProfile{ID: p.ID}
		switch {
		case o.ReplaceWith != "":
			next, err := findProfile(state, o.ReplaceWith)
			if err != nil {
				return nil, err
			}
			if next.ID == p.ID {
				return nil, invalid("", "profile %s cannot replace itself", p.Name)
			}
			change.Successor = next.ID
		case len(gone.Users) > 0:
			return nil, conflict("davit profile remove "+p.Name+" --replace-with NAME",
				"profile %s is in use; name the one that its accounts get", p.Name)
		}
		return []policy.Change{change}, nil
	})
	return gone, err
}

func findProfile(state *policy.State, name string) (*policy.Profile, error) {
	if p := state.ProfileNamed(name); p != nil {
		return p, nil
	}
	return nil, notFound("davit profile list", "no profile %q", name)
}

func profileShown(state *policy.State, p *policy.Profile) Profile {
	shown := Profile{Name: p.Name, Quota: p.Quota.String(), Functions: policy.AllFunctions.String(), Users: []string{}}
	if p.Functions != nil {
		shown.Functions = p.Functions.String()
	}
	for _, u := range state.Users() {
		if u.Profile == p.ID {
			shown.Users = append(shown.Users, u.Name)
		}
	}
	return shown
}
