package admin

import (
	"fmt"
	"strconv"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// A clause ties a kind of statement to the policy: how what is in force is
// written, and what a statement makes of it.
type clause struct {
	kind *text.Kind
	show func(*standing) []text.Statement
	put  func(*revision, *text.Statement) ([]policy.Change, error)
	// drop takes away what a complete file does not mention; nil for what only a
	// command of its own removes.
	drop func(*revision, *text.Statement) ([]policy.Change, error)
}

// clauses are in the order of text.Kinds: what is named comes into force before
// what names it.
var clauses = []clause{
	{kind: text.Settings, show: showSettings, put: reviseSettings},
	{kind: text.Profile, show: showProfiles, put: reviseProfile, drop: dropProfile},
	{kind: text.Group, show: showGroups, put: reviseGroup, drop: dropGroup},
	{kind: text.Role, show: showRoles, put: reviseGroup, drop: dropGroup},
	{kind: text.User, show: showUsers, put: reviseUser},
	{kind: text.MemberOf, show: showMembers, put: reviseMember(join), drop: reviseMember(leave)},
	{kind: text.ManagerOf, show: showManagers, put: reviseManager(withManager), drop: reviseManager(withoutManager)},
	{kind: text.Space, show: showSpaces, put: reviseSpace},
	{kind: text.Drive, show: showDrives, put: reviseDrive, drop: wakeDrive},
	{kind: text.Level, show: showLevels, put: reviseLevel, drop: dropLevel},
	{kind: text.Pin, show: showPins, put: revisePin(true), drop: revisePin(false)},
	{kind: text.Quota, show: showQuotas, put: reviseQuota, drop: dropQuota},
	{kind: text.ACL, show: showEntries, put: reviseEntry, drop: dropEntry},
	{kind: text.Cut, show: showCuts, put: reviseCut, drop: dropCut},
	{kind: text.Share, show: showShares, put: reviseShare, drop: dropShare},
}

// A standing policy is one moment of it, to be written down.
type standing struct {
	store.Survey
	state  *policy.State
	marks  []store.Marked
	asleep int // entries and shares that count for nobody
}

// stand reads the policy of a survey.
func stand(sv store.Survey) (s *standing, err error) {
	s = &standing{Survey: sv, state: sv.State()}
	s.marks, s.asleep, err = sv.Marks()
	return s, err
}

// statements write the whole policy down.
func (s *standing) statements() []text.Statement {
	var all []text.Statement
	for _, c := range clauses {
		all = append(all, c.show(s)...)
	}
	return all
}

// remarks count what statements cannot say. The token of a link is a secret that
// the policy does not hold, so a link is made by its command, and so are the lines
// that name one.
func (s *standing) remarks() (all []string) {
	if s.asleep > 0 {
		all = append(all, fmt.Sprintf("left out: what lies in the trash and in drives of deleted accounts and guests (entries and shares: %d)", s.asleep))
	}
	links, lines := 0, 0
	count := func(entries []policy.Entry) {
		for i := range entries {
			if s.isLink(entries[i].Principal) {
				lines++
			}
		}
	}
	for _, sp := range s.spaces() {
		count(sp.Levels)
	}
	for i := range s.marks {
		count(s.marks[i].Mark.Entries)
		for j := range s.marks[i].Mark.Shares {
			if s.marks[i].Mark.Shares[j].IsLink() {
				links++
			}
		}
	}
	if links > 0 {
		all = append(all, fmt.Sprintf("left out: links, whose tokens are secret (links: %d; lines that name one: %d)", links, lines))
	}
	return all
}

func (s *standing) isLink(id policy.ID) bool {
	sh, _ := s.state.Share(id)
	return sh != nil && sh.IsLink()
}

// spaces are those that statements can name: not the drives that are asleep.
func (s *standing) spaces() []*policy.Space {
	var all []*policy.Space
	for _, sp := range s.state.Spaces() {
		if !s.Asleep(sp) {
			all = append(all, sp)
		}
	}
	return all
}

func showSettings(s *standing) []text.Statement {
	st, set := text.Settings.New(), s.state.Settings()
	for _, name := range policy.SettingNames() {
		st = st.With(name, set.Text(name))
	}
	return []text.Statement{st}
}

func showProfiles(s *standing) (all []text.Statement) {
	for _, p := range s.state.Profiles() {
		on := policy.AllFunctions
		if p.Functions != nil {
			on = *p.Functions
		}
		st := text.Profile.New(p.Name).With("functions", on.String()).With("quota", p.Quota.String()).With("link-days", strconv.FormatInt(p.LinkDays, 10))
		if p.FileMax > 0 {
			st = st.With("file-max", p.FileMax.String())
		}
		all = append(all, st)
	}
	return all
}

func showGroups(s *standing) (all []text.Statement) {
	for _, g := range s.state.Groups() {
		if !g.Role {
			all = append(all, text.Group.New(g.Name))
		}
	}
	return all
}

func showRoles(s *standing) (all []text.Statement) {
	for _, g := range s.state.Groups() {
		if g.Role {
			all = append(all, text.Role.New(g.Name))
		}
	}
	return all
}

// The words of a user's state.
const (
	stateActive      = "active"
	stateDeactivated = "deactivated"
)

func showUsers(s *standing) (all []text.Statement) {
	for _, u := range s.state.Users() {
		st := text.User.New(u.Name).With("type", string(u.Type)).With("expires", text.Moment(u.Until)).With("email", u.Email).With("language", u.Language)
		if p := s.state.Profile(u.Profile); p != nil {
			st = st.With("profile", p.Name)
		}
		if u.Inactive {
			st = st.With("state", stateDeactivated)
		}
		if u.Quota != nil {
			st = st.With("quota", u.Quota.String())
		}
		all = append(all, st)
	}
	return all
}

func showMembers(s *standing) (all []text.Statement) {
	for _, g := range s.state.Groups() {
		for _, m := range g.Members {
			all = append(all, text.MemberOf.New(s.state.PrincipalName(g.ID), s.state.PrincipalName(m)))
		}
	}
	return all
}

func showManagers(s *standing) (all []text.Statement) {
	for _, g := range s.state.Groups() {
		for _, id := range g.Managers {
			all = append(all, text.ManagerOf.New(s.state.PrincipalName(g.ID), s.state.PrincipalName(id)))
		}
	}
	return all
}

func showSpaces(s *standing) (all []text.Statement) {
	for _, sp := range s.state.Spaces() {
		if sp.Kind == policy.Personal {
			continue
		}
		st := text.Space.New(sp.Name).With("kind", string(sp.Kind)).With("state", string(sp.State)).With("quota", sp.Quota.String()).
			With("template", string(sp.Template)).With("own-hour", text.OwnHour(sp.OwnHour)).
			With("trash-days", text.Days(sp.TrashDays)).With("version-days", text.Days(sp.VersionDays)).With("file-days", text.Days(sp.FileDays))
		if owner := s.state.User(sp.Owner); owner != nil {
			st = st.With("owner", owner.Name)
		}
		all = append(all, st)
	}
	return all
}

func showDrives(s *standing) (all []text.Statement) {
	for _, sp := range s.spaces() {
		hour := text.OwnHour(sp.OwnHour)
		if sp.Kind == policy.Personal && (sp.State != policy.Active || hour != text.OwnHour(nil)) {
			all = append(all, text.Drive.New(store.SpacePath(s.state, sp)).With("state", string(sp.State)).With("own-hour", hour))
		}
	}
	return all
}

func showLevels(s *standing) (all []text.Statement) {
	for _, sp := range s.spaces() {
		for i := range sp.Levels {
			e := &sp.Levels[i]
			if sp.Kind == policy.Personal && e.Principal == sp.Owner {
				continue // it goes without saying, and cannot be changed
			}
			if s.isLink(e.Principal) {
				continue
			}
			st := text.Level.New(store.SpacePath(s.state, sp), s.state.PrincipalName(e.Principal), text.LevelOf(e))
			all = append(all, limited(st, e))
		}
	}
	return all
}

func showPins(s *standing) (all []text.Statement) {
	for _, sp := range s.spaces() {
		for _, id := range sp.Pins {
			all = append(all, text.Pin.New(store.SpacePath(s.state, sp), s.state.PrincipalName(id)))
		}
	}
	return all
}

func showQuotas(s *standing) (all []text.Statement) {
	for i := range s.marks {
		if m := &s.marks[i]; m.Mark.Quota != nil {
			all = append(all, text.Quota.New(m.Path.String(), m.Mark.Quota.String()))
		}
	}
	return all
}

func showEntries(s *standing) (all []text.Statement) {
	for i := range s.marks {
		m := &s.marks[i]
		for j := range m.Mark.Entries {
			e := &m.Mark.Entries[j]
			if s.isLink(e.Principal) {
				continue
			}
			st := text.ACL.New(m.Path.String(), s.state.PrincipalName(e.Principal)).With("allow", text.Allowed(e))
			all = append(all, limited(st, e))
		}
	}
	return all
}

func showCuts(s *standing) (all []text.Statement) {
	for i := range s.marks {
		if m := &s.marks[i]; m.Mark.Cut {
			all = append(all, text.Cut.New(m.Path.String()).With("rank", m.Mark.CutRank.String()))
		}
	}
	return all
}

// limited adds what an entry takes away, and when it counts.
func limited(st text.Statement, e *policy.Entry) text.Statement {
	for _, o := range []struct {
		name string
		set  policy.Rights
	}{{"revoke", e.Revoke}, {"deny", e.Deny}} {
		if o.set != 0 {
			st = st.With(o.name, o.set.String())
		}
	}
	if e.Deny != 0 {
		st = st.With("rank", e.Rank.String())
	}
	return st.With("class", e.Class.String()).With("network", e.Network.String()).
		With("from", text.Moment(e.From)).With("until", text.Moment(e.Until))
}
