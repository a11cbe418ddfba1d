package policy

// A Keeping says for how many days something is kept, 0 for ever.
type Keeping struct {
	// Trash is how long what was deleted stays in the trash.
	Trash int64
	// Versions is how long the old content of a file is kept.
	Versions int64
	// Files is how long a file stays that nobody touches; then it goes into the trash.
	Files int64
}

// Keeping is what holds in a space: its own days where they are fewer than those of
// the instance.
func (s *State) Keeping(space ID) Keeping {
	k := Keeping{Trash: s.set().TrashDays, Versions: s.set().VersionDays}
	if sp := s.Space(space); sp != nil {
		k = Keeping{fewer(k.Trash, sp.TrashDays), fewer(k.Versions, sp.VersionDays), sp.FileDays}
	}
	return k
}

// fewer is the shorter of two times in days, of which 0 has no end.
func fewer(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// checkKeeping bounds the days of a space. Those of a drive are the instance's.
func (sp *Space) checkKeeping() error {
	for _, days := range []int64{sp.TrashDays, sp.VersionDays, sp.FileDays} {
		switch {
		case days < 0 || days > keepDaysMax:
			return invalid("a space keeps something for 1 to %d days, or without days of its own", keepDaysMax)
		case days > 0 && sp.Kind == Personal:
			return invalid("a personal drive keeps things for the days of the instance")
		}
	}
	return nil
}

// keepsLike tells whether two states of a space have the same days.
func (sp *Space) keepsLike(other *Space) bool {
	return sp.TrashDays == other.TrashDays && sp.VersionDays == other.VersionDays && sp.FileDays == other.FileDays
}
