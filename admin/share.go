package admin

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// Operations on shares and links. Who gives one is judged as himself, also when
// the operator asks.
var (
	AddShare    = change("share.add", (*Admin).AddShare)
	ListShares  = define("share.list", (*Admin).mayListShares, (*Admin).ListShares)
	RemoveShare = change("share.remove", (*Admin).RemoveShare)
	AdoptShare  = change("share.adopt", (*Admin).AdoptShare)
	AddLink     = change("link.add", (*Admin).AddLink)
	ListLinks   = define("link.list", (*Admin).mayListShares, (*Admin).ListLinks)
	RemoveLink  = change("link.remove", (*Admin).RemoveLink)
)

// A Share hands on what its giver holds at a path.
type Share struct {
	ID     string        `json:"id"`
	Path   string        `json:"path,omitempty"` // empty while it lies in the trash
	By     string        `json:"by"`
	To     string        `json:"to,omitempty"` // empty for a link
	Level  string        `json:"level,omitempty"`
	Rights policy.Rights `json:"rights"`
	Label  string        `json:"label,omitempty"`
	Made   time.Time     `json:"made"`
	Until  *time.Time    `json:"until,omitempty"` // the first moment no longer
	// Asleep tells why it gives nothing now.
	Asleep string `json:"asleep,omitempty"`
}

// A Link is a share with whoever has its URL.
type Link struct {
	Share
	Password     bool  `json:"password,omitempty"` // the bearers have to know one
	Downloads    int64 `json:"downloads"`
	DownloadsMax int64 `json:"downloads_max,omitempty"` // 0: any number
	// URL is its path on the server, told once, by AddLink.
	URL string `json:"url,omitempty"`
}

// NewShare says what is shared with whom.
type NewShare struct {
	Path   string     `json:"path"`
	By     string     `json:"by,omitempty"`     // who acts if empty
	To     string     `json:"to,omitempty"`     // of a share
	Rights string     `json:"rights,omitempty"` // "viewer" if empty: a level, rights, or "level:editor+share"
	Until  *time.Time `json:"until,omitempty"`
	Label  string     `json:"label,omitempty"`
}

// NewLink says what a link gives, and for how long.
type NewLink struct {
	NewShare
	Password     string `json:"password,omitempty"`
	DownloadsMax int64  `json:"downloads_max,omitempty"`
}

// Which shares are meant: those that fit everything that is not empty.
type Which struct {
	By   string `json:"by,omitempty"`
	To   string `json:"to,omitempty"`   // a user: what groups get too
	Path string `json:"path,omitempty"` // there or below
}

// An Adoption gives a share to another account.
type Adoption struct {
	ID string `json:"id"`
	By string `json:"by,omitempty"` // who acts if empty
}

// shareIDs are written in as few letters as that takes.
const shareIDBase = 36

// AddShare shares a path with somebody.
func (a *Admin) AddShare(ctx context.Context, n NewShare) (Share, error) {
	given, p, sh, err := a.given(ctx, n)
	if err != nil {
		return Share{}, err
	}
	if sh.To, err = a.findPrincipal(a.st.Policy(), n.To); err != nil {
		return Share{}, err
	}
	if sh, err = given.Share(ctx, p, sh, nil); err != nil {
		return Share{}, err
	}
	link, err := a.shareShown(sh.ID)
	return link.Share, err
}

// AddLink makes a link; its URL is in the answer and nowhere else.
func (a *Admin) AddLink(ctx context.Context, n NewLink) (Link, error) {
	given, p, sh, err := a.given(ctx, n.NewShare)
	switch {
	case err != nil:
		return Link{}, err
	case n.DownloadsMax < 0:
		return Link{}, invalid("", "%d downloads: use 1 or more, or 0 for any number", n.DownloadsMax)
	}
	if p.InCalendars() {
		if err := ofCalendar(p, sh.Rights); err != nil {
			return Link{}, err
		}
	}
	token, l, err := a.auth.NewLink(ctx, n.Password)
	if err != nil {
		return Link{}, err
	}
	l.DownloadsMax = n.DownloadsMax
	if sh, err = given.Share(ctx, p, sh, &l); err != nil {
		return Link{}, err
	}
	link, err := a.shareShown(sh.ID)
	if link.URL = auth.LinkPath(token); p.InCalendars() {
		link.URL = auth.CalendarLinkPath(token)
	}
	return link, err
}

// ofCalendar refuses what a link of a calendar does not give: it is read, and
// nothing is put into it.
func ofCalendar(p store.Path, rights policy.Rights) error {
	if len(p) != calendarNames {
		return invalid("name one calendar, such as calendar:~mia/work", "%s is no calendar, and links are of one", p)
	}
	if rights&^(policy.See|policy.Read|policy.FreeBusy) != 0 {
		return invalid("use --rights viewer or free-busy", "a link of a calendar is for reading")
	}
	return nil
}

// given reads what a share and a link have in common: the operator in the name of
// the giver, the path and the terms.
func (a *Admin) given(ctx context.Context, n NewShare) (as *store.Operator, p store.Path, sh policy.Share, err error) {
	if as, err = a.inName(n.By); err != nil {
		return nil, nil, sh, err
	}
	if p, err = ParsePath(n.Path); err == nil && p.InCalendars() {
		err = a.op.BeginCalendars(ctx, p)
	}
	if err != nil {
		return nil, nil, sh, err
	}
	if p, _, err = a.seen(n.Path); err != nil {
		return nil, nil, sh, err
	}
	if sh.Level, sh.Rights, err = parseShared(n.Rights); err != nil {
		return nil, nil, sh, err
	}
	sh.Label, sh.Until = n.Label, seconds(n.Until)
	return as, p, sh, nil
}

// inName is the operator acting for the giver of a share.
func (a *Admin) inName(by string) (*store.Operator, error) {
	switch {
	case by == "" && a.as == "":
		return nil, invalid("--by USER", "say who shares: nobody but an account can")
	case by == "":
		by = a.as
	}
	state := a.st.Policy()
	u, err := a.findUser(state, by)
	if err != nil {
		return nil, err
	}
	if a.as != "" && u != state.UserNamed(a.as) {
		return nil, refused("", "%s does not share in the name of %s", a.as, u.Name)
	}
	return a.op.As(a.subject(u, policy.Web), "command line"), nil
}

// parseShared reads what a share gives: a level, a sum such as "editor+share", or
// rights. Who may do something with a file may also see it.
func parseShared(text string) (level string, rights policy.Rights, err error) {
	if text == "" {
		text = "viewer"
	}
	text = strings.TrimPrefix(text, "level:")
	name, _, _ := strings.Cut(text, "+")
	if slices.Contains(policy.LevelNames(), name) {
		rights, err = parseLevel(text)
		return text, rights, err
	}
	rights, err = policy.ParseRights(text)
	if rights&^(policy.Add|policy.FreeBusy) != 0 {
		rights |= policy.See
	}
	return "", rights, err
}

// mayListShares: everybody sees what he gave and got, and who reads the lists of
// a place what is shared there.
func (a *Admin) mayListShares(w Which) error {
	switch {
	case a.operates():
		return nil
	case a.is(w.By) || a.is(w.To):
		if w.Path == "" {
			return nil
		}
		_, _, err := a.seen(w.Path)
		return err
	case w.Path != "":
		return readers(func(w Which) string { return w.Path })(a, w)
	}
	return refused("--by, --to or --path", "only owners and admins see the shares of all")
}

// ListShares tells the shares with people, and why each that gives nothing does.
func (a *Admin) ListShares(_ context.Context, which Which) ([]Share, error) {
	links, err := a.listShares(which, func(sh *policy.Share) bool { return !sh.IsLink() })
	shares := []Share{}
	for _, l := range links {
		shares = append(shares, l.Share)
	}
	return shares, err
}

// ListLinks tells the links, without their URLs.
func (a *Admin) ListLinks(_ context.Context, which Which) ([]Link, error) {
	return a.listShares(which, (*policy.Share).IsLink)
}

func (a *Admin) listShares(which Which, kind func(*policy.Share) bool) ([]Link, error) {
	fits, err := a.which(which)
	if err != nil {
		return nil, err
	}
	shared, err := a.op.Shares(func(state *policy.State, sh *policy.Share) bool { return kind(sh) && fits(state, sh) })
	links := []Link{}
	for i := range shared {
		links = append(links, linkShown(a.st.Policy(), &shared[i]))
	}
	return links, err
}

// which makes one question of what is asked for.
func (a *Admin) which(w Which) (func(*policy.State, *policy.Share) bool, error) {
	state := a.st.Policy()
	var by, to policy.ID
	var root policy.Node
	if w.By != "" {
		u, err := a.findUser(state, w.By)
		if err != nil {
			return nil, err
		}
		by = u.ID
	}
	got := map[policy.ID]bool{}
	if w.To != "" {
		var err error
		if to, err = a.findPrincipal(state, w.To); err != nil {
			return nil, err
		}
		for _, sh := range state.SharesTo(to) {
			got[sh.ID] = true
		}
	}
	if w.Path != "" {
		_, _, e, err := a.place(w.Path)
		if err != nil {
			return nil, err
		}
		root = e.Node
	}
	return func(state *policy.State, sh *policy.Share) bool {
		if by != policy.Nobody && sh.By != by || to != policy.Nobody && sh.To != to && !got[sh.ID] {
			return false
		}
		_, at := state.Share(sh.ID)
		return root == 0 || slices.Contains(at.Path, root)
	}, nil
}

// RemoveShare ends a share.
func (a *Admin) RemoveShare(ctx context.Context, n Named) (Share, error) {
	link, err := a.removeShare(ctx, n.Name, "share")
	return link.Share, err
}

// RemoveLink ends a link.
func (a *Admin) RemoveLink(ctx context.Context, n Named) (Link, error) {
	return a.removeShare(ctx, n.Name, "link")
}

func (a *Admin) removeShare(ctx context.Context, text, what string) (Link, error) {
	id, err := parseShareID(text)
	if err != nil {
		return Link{}, noShare(what, text)
	}
	var shown Link
	if sh, _ := a.st.Policy().Share(id); sh != nil && sh.IsLink() == (what == "link") {
		if shown, err = a.shareShown(id); err == nil {
			err = a.op.Change(ctx, func(*policy.State) ([]policy.Change, error) {
				return []policy.Change{policy.DropShare{ID: id}}, nil
			})
		}
	} else {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		return Link{}, noShare(what, text)
	}
	return shown, err
}

// AdoptShare makes a share or link that of another account, such as when its
// giver leaves.
func (a *Admin) AdoptShare(ctx context.Context, n Adoption) (Share, error) {
	as, err := a.inName(n.By)
	if err != nil {
		return Share{}, err
	}
	id, err := parseShareID(n.ID)
	if err == nil {
		err = as.Adopt(ctx, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return Share{}, noShare("share", n.ID)
	}
	if err != nil {
		return Share{}, err
	}
	link, err := a.shareShown(id)
	return link.Share, err
}

// noShare is said of a share that is not there, and of one that whoever asks may
// not know of.
func noShare(what, text string) *Error {
	return notFound("davit "+what+" list", "no %s %q", what, text)
}

func shareIDText(id policy.ID) string { return strconv.FormatUint(uint64(id), shareIDBase) }

// parseShareID reads what lists show; of a link also as it stands in lists of
// principals, "link:3f".
func parseShareID(text string) (policy.ID, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "link:"), shareIDBase, 64)
	if err != nil {
		err = store.ErrNotFound
	}
	return policy.ID(n), err
}

// shareShown tells about one share or link.
func (a *Admin) shareShown(id policy.ID) (Link, error) {
	shared, err := a.op.Shares(func(_ *policy.State, sh *policy.Share) bool { return sh.ID == id })
	if err != nil {
		return Link{}, err
	}
	if len(shared) == 0 {
		return Link{}, noShare("share", shareIDText(id))
	}
	return linkShown(a.st.Policy(), &shared[0]), nil
}

func linkShown(state *policy.State, sh *store.Shared) Link {
	l := Link{
		Share: Share{
			ID: shareIDText(sh.ID), By: strings.TrimPrefix(state.PrincipalName(sh.By), "user:"),
			Level: sh.Level, Rights: sh.Rights, Label: sh.Label, Made: time.Unix(sh.Made, 0), Asleep: sh.Asleep,
		},
		Password: sh.Password, Downloads: sh.Downloads, DownloadsMax: sh.DownloadsMax,
	}
	if sh.Path != nil {
		l.Path = sh.Path.String()
	}
	if !sh.IsLink() {
		l.To = state.PrincipalName(sh.To)
	}
	if sh.Until != 0 {
		until := time.Unix(sh.Until, 0)
		l.Until = &until
	}
	return l
}

// sharesOn are the shares and links on a way down, in its order.
func (a *Admin) sharesOn(at policy.Place) ([]Link, error) {
	links := []Link{}
	state := a.st.Policy()
	for _, n := range at.Path {
		m := state.Mark(n)
		if m == nil || len(m.Shares) == 0 {
			continue
		}
		shared, err := a.op.Shares(func(state *policy.State, sh *policy.Share) bool {
			_, of := state.Share(sh.ID)
			return len(of.Path) > 0 && of.Path[len(of.Path)-1] == n
		})
		if err != nil {
			return nil, err
		}
		for i := range shared {
			links = append(links, linkShown(state, &shared[i]))
		}
	}
	return links, nil
}
