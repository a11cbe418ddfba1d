package admin

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"davit/policy"
	"davit/policy/text"
)

// A sharedLine is the statement of a share with people.
type sharedLine struct {
	text.Statement
	share policy.Share
}

// shares writes down every share that is no link. Several of one giver to one
// sharee at one place are numbered as they were made.
func (s *standing) shares() (all []sharedLine) {
	for i := range s.marks {
		m := &s.marks[i]
		made := slices.SortedFunc(slices.Values(m.Mark.Shares), func(a, b policy.Share) int {
			return cmp.Or(cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
		})
		number := map[[2]policy.ID]int{}
		for _, sh := range made {
			if sh.IsLink() {
				continue
			}
			st := text.Share.New(m.Path.String()).With("by", s.state.User(sh.By).Name).With("to", s.state.PrincipalName(sh.To)).
				With("rights", text.Allowed(&policy.Entry{Level: sh.Level, Allow: sh.Rights})).
				With("until", text.Moment(sh.Until)).With("label", printable(sh.Label)).With("made", text.Moment(sh.Made))
			pair := [2]policy.ID{sh.By, sh.To}
			if number[pair]++; number[pair] > 1 {
				st = st.With("number", strconv.Itoa(number[pair]))
			}
			all = append(all, sharedLine{st, sh})
		}
	}
	return all
}

// printable is a text that fits on a line.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, ""))
}

func showShares(s *standing) (all []text.Statement) {
	for _, l := range s.shares() {
		all = append(all, l.Statement)
	}
	return all
}

// inNumber brings edits of shares into the order in which the shares are numbered.
func inNumber(edits []edit) {
	number := func(e edit) int {
		if e.want == nil {
			return 0
		}
		n, _ := strconv.Atoi(e.want.Get("number")) // nothing for the first
		return n
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return number(a) - number(b) })
}

func reviseShare(r *revision, s *text.Statement) ([]policy.Change, error) {
	state := r.draft.State()
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	sh, stands := r.shares[identity(s)]
	if !stands {
		by, err := findUser(state, s.Get("by"))
		if err != nil {
			return nil, err
		}
		if sh.To, err = findPrincipal(state, s.Get("to")); err != nil {
			return nil, err
		}
		if err := r.newID(&sh.ID); err != nil {
			return nil, err
		}
		sh.By, sh.Made = by.ID, r.draft.Now().Unix()
	}
	if made := text.ParseMoment(s.Get("made")); made != 0 {
		sh.Made = made
	}
	sh.Label, sh.Until = s.Get("label"), text.ParseMoment(s.Get("until"))
	sh.Level, sh.Rights, err = text.ParseAllowed(s.Get("rights"))
	return []policy.Change{policy.PutShare{Share: sh, At: at}}, err
}

func dropShare(r *revision, s *text.Statement) ([]policy.Change, error) {
	sh, stands := r.shares[identity(s)]
	if !stands {
		return nil, nil
	}
	return []policy.Change{policy.DropShare{ID: sh.ID}}, nil
}
