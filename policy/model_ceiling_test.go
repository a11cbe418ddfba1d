package policy_test

import (
	"slices"
	"strings"

	"davit/policy"
)

// modelProfile has functions by their names; nil for all of them.
type modelProfile struct {
	functions []string
	linkDays  int64
}

func (p *modelProfile) has(function string) bool {
	return p == nil || p.functions == nil || slices.Contains(p.functions, function)
}

// modelSettings are what of the settings decides.
type modelSettings struct {
	links        bool
	linkDays     int64
	linkPassword bool
	guests       bool
	sharing      string // any, own or none
	adminReads   string // never, audited or always
}

// functionOf says which function opens which right; of several, any.
var functionOf = map[string][]string{
	"read": {"files.download"}, "add": {"files.upload"}, "write": {"files.modify"}, "props": {"files.modify"},
	"delete": {"files.delete"}, "delete-own": {"files.delete"}, "trash": {"files.restore-trash"}, "purge": {"files.purge"},
	"history": {"files.versions-read"}, "break-lock": {"files.lock"}, "members": {"space.edit-own"},
	"manage": {"space.acl-manage"}, "share": {"share.internal", "share.links", "cal.publish"}, "schedule": {"cal.schedule-send"},
}

// active: "deactivated, expired, deleted: nothing answers".
func (m *model) active(who string, now int64) bool {
	_, exists := m.types[who]
	return exists && !m.inactive[who] && (m.until[who] == 0 || now < m.until[who])
}

// ceilings is what passes every one of them: those of the account, and "an app
// password narrows, never widens".
func (m *model) ceilings(a *asker, path string) policy.Rights {
	space := spaceOf(path)
	lets, known := a.lets[space]
	if known {
		return lets
	}
	if a.spaces == "" || slices.Contains(strings.Split(a.spaces, ","), space) {
		for _, r := range everyRight {
			if a.mask&r.right != 0 && m.cutBy(a.question, space, r.name) == "" {
				lets |= r.right
			}
		}
	}
	a.lets[space] = lets
	return lets
}

// cutBy names the ceiling that takes a right from an account in a space, empty if
// none does.
func (m *model) cutBy(q question, space, right string) policy.Ceiling {
	sp, t := m.spaces[space], m.types[q.who]
	if sh := m.link(q.who); sh != nil {
		if m.trashed(sh.at) || m.asleep(*sh, spaceOf(sh.at), q.now) != "" || m.asleep(*sh, space, q.now) != "" {
			return policy.CutByAccount
		}
		t = policy.Guest // "every bearer of a link" is nobody who has an account
	} else if !m.active(q.who, q.now) {
		return policy.CutByAccount
	}
	is := func(names ...string) bool { return slices.Contains(names, right) }
	guest := t == policy.Guest
	switch {
	case guest && is("share", "manage", "members", "purge", "break-lock", "read-acl"):
		return policy.CutByType
	case m.link(q.who) == nil && !m.profileLets(q, sp, right):
		return policy.CutByProfile
	case guest && sp.kind == policy.Portal && is("delete", "delete-own", "share", "manage", "members", "purge"):
		return policy.CutByKind
	case sp.state == policy.Archived && !is("see", "read", "history", "free-busy", "read-acl", "manage", "members"),
		sp.state == policy.Closed && guest,
		sp.state == policy.Trashed && !is("manage"): // to restore it
		return policy.CutByState
	case guest && !m.settings.guests && m.link(q.who) == nil:
		return policy.CutByInstance
	}
	return ""
}

// profileLets: the own drive and everything else are opened apart, each class of
// clients by its channel, and single rights by the functions that use them.
func (m *model) profileLets(q question, sp *modelSpace, right string) bool {
	p, home := m.profiles[m.profile[q.who]], "files.shared-access"
	if sp.kind == policy.Personal && sp.owner == q.who {
		home = "files.personal"
	}
	if !p.has(home) {
		return false
	}
	switch q.class {
	case "mobile":
		if !p.has("chan.mobile") {
			return false
		}
	case "desktop", "dav":
		if !p.has("chan.desktop") {
			return false
		}
	case "", "unknown": // it may be any of them
		if !p.has("chan.mobile") || !p.has("chan.desktop") {
			return false
		}
	}
	functions := functionOf[right]
	return len(functions) == 0 || slices.ContainsFunc(functions, p.has)
}
