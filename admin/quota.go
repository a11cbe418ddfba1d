package admin

import (
	"context"
	"slices"

	"davit/policy"
	"davit/store"
)

// Operations on limits.
var (
	SetQuota  = change("quota.set", (*Admin).SetQuota)
	ShowQuota = define("quota.show", readers(func(l Located) string { return l.Path }), (*Admin).ShowQuota)
)

// A Usage is a limit and how full it is. Counts are bytes.
type Usage struct {
	Path      string `json:"path"`
	Limit     string `json:"limit"` // "5GB", "none"
	Used      int64  `json:"used"`  // live, versions and trash
	Live      int64  `json:"live"`
	Versions  int64  `json:"versions"`            // of files that are there; the next write over one may take their room
	Trash     int64  `json:"trash"`               // given back when it is emptied
	Reserved  int64  `json:"reserved"`            // by uploads under way
	Available *int64 `json:"available,omitempty"` // absent without a limit
}

// NewQuota limits a space, a personal drive or a folder.
type NewQuota struct {
	Path  string `json:"path"`
	Limit string `json:"limit"` // a size or none; for a drive also "profile"
}

// SetQuota sets or takes away a limit. What is stored already stays.
func (a *Admin) SetQuota(ctx context.Context, n NewQuota) ([]Usage, error) {
	p, err := ParsePath(n.Path)
	if err != nil {
		return nil, err
	}
	err = a.op.ChangeAt(ctx, p, func(state *policy.State, at policy.Place) ([]policy.Change, error) {
		c, err := n.change(state, at)
		return []policy.Change{c}, err
	})
	if err != nil {
		return nil, err
	}
	return a.ShowQuota(ctx, Located{n.Path})
}

// change is what limits the place: the account of a personal drive, the space of
// a root, or the folder.
func (n NewQuota) change(state *policy.State, at policy.Place) (policy.Change, error) {
	sp := state.Space(at.Space)
	if len(at.Path) == 1 && sp.Kind == policy.Personal {
		owner := state.User(sp.Owner)
		if owner == nil {
			return nil, conflict("", "%s is a drive without a user", sp.Name)
		}
		u := *owner
		var err error
		u.Quota, err = driveQuota(n.Limit)
		return policy.PutUser{User: u}, err
	}
	limit, err := policy.ParseLimit(n.Limit)
	switch {
	case err != nil:
		return nil, err
	case len(at.Path) == 1:
		next := *sp
		next.Quota = limit
		return policy.PutSpace{Space: next}, nil
	case limit == policy.NoLimit:
		return policy.SetQuota{At: at}, nil
	}
	return policy.SetQuota{At: at, Limit: &limit}, nil
}

// ShowQuota tells every limit that a write at the path has to pass, the space's
// first, also when that has none.
func (a *Admin) ShowQuota(_ context.Context, l Located) ([]Usage, error) {
	p, at, _, err := a.place(l.Path)
	if err != nil {
		return nil, err
	}
	limits := a.st.Policy().AppendLimits(nil, at)
	if len(limits) == 0 || limits[0].Node != at.Path[0] {
		limits = append([]policy.QuotaNode{{Node: at.Path[0], Limit: policy.NoLimit}}, limits...)
	}
	usages := make([]Usage, len(limits))
	for i, q := range limits {
		depth := slices.Index(at.Path, q.Node) + 1
		usages[i] = usageShown(p[:depth], a.op.Usage(q.Node, q.Limit))
	}
	return usages, nil
}

func usageShown(p store.Path, u policy.Usage) Usage {
	shown := Usage{
		Path: p.String(), Limit: u.Limit.String(),
		Used: u.Used(), Live: u.Live, Versions: u.Versions, Trash: u.Trash, Reserved: u.Reserved,
	}
	if u.Limit != policy.NoLimit {
		available := u.Available()
		shown.Available = &available
	}
	return shown
}
