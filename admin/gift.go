package admin

import (
	"slices"
	"time"

	"davit/policy"
	"davit/store"
)

// A Gift is a share or link on the way that reached the user.
type Gift struct {
	Where  string        `json:"where"`
	ID     string        `json:"id"`
	By     string        `json:"by"`
	To     string        `json:"to"` // the user, a group that holds it, or the link
	Rights policy.Rights `json:"rights"`
	// Counted is what of Rights its giver holds, before walls and ceilings.
	Counted policy.Rights `json:"counted,omitempty"`
}

func giftShown(state *policy.State, p store.Path, g *policy.Gift) Gift {
	return Gift{
		Where: p[:g.Depth+1].String(), ID: shareIDText(g.Share.ID), By: state.PrincipalName(g.Share.By),
		To: state.PrincipalName(g.Share.To), Rights: g.Share.Rights, Counted: g.Granted,
	}
}

// name says who gave it to whom, and where.
func (g *Gift) name() string { return "shared by " + g.By + " with " + g.To + " at " + g.Where }

// giftOf is the share nearest to the path that gives a right, nil if none does.
func (c *Check) giftOf(right policy.Right) *Gift {
	for i := range slices.Backward(c.Gifts) {
		if c.Gifts[i].Counted&right != 0 {
			return &c.Gifts[i]
		}
	}
	return nil
}

// notGiven is the nearest share of a right that its giver does not hold himself.
func (c *Check) notGiven(right policy.Right) *Gift {
	for i := range slices.Backward(c.Gifts) {
		if g := &c.Gifts[i]; g.Rights&right != 0 && g.Counted&right == 0 {
			return g
		}
	}
	return nil
}

// throughGifts adds the givers of what is held to the names that it comes through.
func throughGifts(state *policy.State, x *policy.Explanation, names []string) []string {
	for i := range x.Gifts {
		g := &x.Gifts[i]
		if name := "share of " + state.PrincipalName(g.Share.By); g.Granted&x.Held != 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// bearers are the links by which anybody reaches a place.
func (a *Admin) bearers(state *policy.State, at policy.Place, c Standpoint, now time.Time) []Holder {
	var all []Holder
	for _, n := range at.Path {
		m := state.Mark(n)
		if m == nil {
			continue
		}
		for i := range m.Shares {
			sh := &m.Shares[i]
			sub := a.using(&policy.User{}, c)
			sub.Link, sub.Now = sh.ID, now.Unix()
			if !sh.IsLink() || state.Held(sub, at) == 0 {
				continue
			}
			x := state.Explain(sub, at, policy.All)
			all = append(all, Holder{state.PrincipalName(sh.ID), policy.LevelOf(x.Held), x.Held, through(state, &x)})
		}
	}
	return all
}
