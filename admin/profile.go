package admin

import (
	"context"

	"davit/policy"
)

// Operations on profiles.
var (
	AddProfile    = change("profile.add", (*Admin).AddProfile)
	SetProfile    = change("profile.set", (*Admin).SetProfile)
	ListProfiles  = define("profile.list", admins, (*Admin).ListProfiles)
	ShowProfile   = define("profile.show", admins, (*Admin).ShowProfile)
	RemoveProfile = change("profile.remove", (*Admin).RemoveProfile)
)

// A Profile is what accounts of one kind have in common.
type Profile struct {
	Name  string `json:"name"`
	Quota string `json:"quota"` // of each personal drive
	// Functions are what its users may use: "all", "none" or names.
	Functions string   `json:"functions"`
	FileMax   string   `json:"file_max,omitempty"`  // the largest file they store; empty for any
	LinkDays  int64    `json:"link_days,omitempty"` // the longest life of their links; 0 for what the settings say
	Users     []string `json:"users"`               // that have it
	Epoch     uint64   `json:"epoch,omitempty"`     // of the policy it was looked up in; not in lists
}

// EditProfile says what a profile begins with, or what changes in it.
type EditProfile struct {
	Name    string  `json:"name"`
	NewName *string `json:"new_name,omitempty"`
	Quota   *string `json:"quota,omitempty"`
	// Functions are names and groups of them, such as "files,write,chan.mobile".
	Functions *string `json:"functions,omitempty"`
	FileMax   *string `json:"file_max,omitempty"` // a size, or none
	LinkDays  *int64  `json:"link_days,omitempty"`
}

// linkDaysMax is the longest that a profile lets links live.
const linkDaysMax = 3650

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
	shown := profileShown(state, p)
	shown.Epoch = state.Epoch
	return shown, nil
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
	return e.applyLimits(p)
}

func (e EditProfile) applyLimits(p *policy.Profile) error {
	if e.FileMax != nil {
		largest, err := policy.ParseLimit(*e.FileMax)
		if err != nil {
			return err
		}
		if largest == 0 {
			return invalid("--file-max none lets them store files of any size", "a profile whose users store no file at all")
		}
		p.FileMax = max(largest, 0) // none is 0 in a profile
	}
	if e.LinkDays != nil {
		if *e.LinkDays < 0 || *e.LinkDays > linkDaysMax {
			return invalid("", "links live 1 to %d days, or 0 for what the settings say", linkDaysMax)
		}
		p.LinkDays = *e.LinkDays
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
	if p.FileMax > 0 {
		shown.FileMax = p.FileMax.String()
	}
	shown.LinkDays = p.LinkDays
	for _, u := range state.Users() {
		if u.Profile == p.ID {
			shown.Users = append(shown.Users, u.Name)
		}
	}
	return shown
}
