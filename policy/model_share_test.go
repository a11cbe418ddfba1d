package policy_test

import (
	"slices"
	"strings"

	"davit/policy"
)

// share hands on what its giver holds; a link is given to itself.
type share struct {
	id, at, by, to string
	rights         policy.Rights
	made, until    int64
	password       bool
	calendar       bool
}

func (sh share) isLink() bool { return sh.to == sh.id }

const day = 24 * 60 * 60

// link is the link of that name, or nil.
func (m *model) link(id string) *share {
	i := slices.IndexFunc(m.shares, func(sh share) bool { return sh.id == id && sh.isLink() })
	if i < 0 {
		return nil
	}
	return &m.shares[i]
}

// given: "what it gives = its rights AND what the sharer holds now, along the
// whole chain of reshares, then the sharee's walls and ceilings". What shares give
// does not count for the pinned, and a chain that leads back to itself leads
// nowhere.
func (m *model) given(a *asker, w *way, path string, r policy.Right, chain []string) bool {
	if a.steady || w.pinned {
		return false
	}
	for i := range w.shares {
		sh := &w.shares[i]
		if sh.rights&r == 0 || !slices.Contains(a.mine, sh.to) || slices.Contains(chain, sh.by) ||
			m.asleep(*sh, spaceOf(path), a.now) != "" {
			continue
		}
		if m.holdsRight(m.giver(a, sh.by), path, r, append(chain, sh.by)) {
			return true
		}
	}
	return false
}

// giver is who gave a share, asking for the same in the same context: "what the
// sharer holds".
func (m *model) giver(a *asker, by string) *asker {
	g, known := a.givers[by]
	if !known {
		g = m.asker(question{who: by, mask: policy.All, class: a.class, network: a.network, now: a.now})
		g.givers = a.givers
		a.givers[by] = g
	}
	return g
}

// asleep tells why a share gives nothing, empty when it gives.
func (m *model) asleep(sh share, space string, now int64) string {
	profile, state := m.profiles[m.profile[sh.by]], m.spaces[space].state
	switch {
	case sh.until != 0 && now >= sh.until:
		return "expired"
	case !m.active(sh.by, now):
		return "giver"
	case state == policy.Archived, state == policy.Trashed:
		return "space"
	case !sh.isLink() && !profile.has("share.internal"):
		return "profile"
	case !sh.isLink() && !m.sharingLets(sh):
		return "sharing"
	case !sh.isLink():
		return ""
	case !m.settings.links:
		return "links"
	case !profile.has("share.links") && !sh.calendar, !profile.has("cal.publish") && sh.calendar:
		return "profile of links"
	case m.settings.linkPassword && !sh.password:
		return "password"
	case over(sh, m.settings.linkDays, now), over(sh, profile.linkDays, now):
		return "age"
	}
	return ""
}

// over: a link lives so many days, or any time for 0.
func over(sh share, days, now int64) bool { return days > 0 && now >= sh.made+days*day }

// sharingLets: the instance may keep people from sharing with groups, or with any
// but the own ones and who is in them.
func (m *model) sharingLets(sh share) bool {
	person := strings.HasPrefix(sh.to, "user:")
	switch m.settings.sharing {
	case "none":
		return person
	case "own":
		common := m.groupsOf(sh.by)
		if person {
			return slices.ContainsFunc(m.groupsOf(sh.to), func(g string) bool { return slices.Contains(common, g) })
		}
		return slices.Contains(common, sh.to)
	}
	return true
}

// groupsOf are the groups and roles that somebody is in, directly or through
// others.
func (m *model) groupsOf(who string) []string {
	return slices.DeleteFunc(m.principals(who), func(p string) bool {
		return !strings.HasPrefix(p, "group:") && !strings.HasPrefix(p, "role:")
	})
}
