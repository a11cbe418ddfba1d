package policy

// firstTrial is where the IDs of shares begin that are only tried.
const firstTrial ID = 1 << 62

// ended gives anew what somebody shared with the user until it was over.
func (f *flips) ended() {
	for i := max(lastCut(f.ways), 0); i < len(f.ways); i++ {
		m := f.ways[i].mark
		if m == nil {
			continue
		}
		for _, sh := range m.Shares {
			if over := sh.Until != 0 && f.sub.Now >= sh.Until; over && sh.Rights&f.missing != 0 && f.state.reaches(&sh, &f.sub) {
				f.share(i, sh)
			}
		}
	}
}

// shared has the owner of a drive share with the user, by the lowest level that has
// what is missing.
func (f *flips) shared() {
	if f.space.Kind != Personal {
		return
	}
	for _, l := range levels {
		if rights := l.rights; f.missing&^rights == 0 {
			f.share(len(f.at.Path)-1, Share{By: f.space.Owner, To: f.sub.User, Rights: rights, Level: l.name})
			return
		}
	}
}

// share tries a new share with the terms of another, at a depth of the way and
// without an end, if its giver may give it.
func (f *flips) share(depth int, like Share) {
	sh := Share{ID: firstTrial, By: like.By, To: like.To, Rights: like.Rights, Level: like.Level, Made: f.sub.Now}
	for taken := true; taken; {
		if _, taken = f.state.shares.get(uint64(sh.ID)); taken || f.tries(sh.ID) {
			sh.ID, taken = sh.ID+1, true
		}
	}
	c := PutShare{Share: sh, At: Place{f.at.Space, f.at.Path[:depth+1]}}
	giver := Subject{User: sh.By, Mask: All, Class: Web, Network: Inside, Now: f.sub.Now}
	if _, _, err := f.state.ApplyAs(giver, c); err == nil {
		f.try(f.accounts(sh.To), c)
	}
}

// tries tells whether a share of that ID is tried already.
func (f *flips) tries(id ID) bool {
	for _, c := range f.candidates {
		for _, change := range c.Changes {
			if put, ok := change.(PutShare); ok && put.Share.ID == id {
				return true
			}
		}
	}
	return false
}

// unshare ends the shares that give what is wanted.
func (f *flips) unshare(gifts []Gift) {
	for _, g := range gifts {
		if g.Granted&f.want != 0 {
			f.try(f.accounts(g.Share.To), DropShare{g.Share.ID})
		}
	}
}
