package recur

// overlaps judges an instance by the tables of RFC 4791, section 9.9, and what RFC 7953
// adds to them.
func overlaps(in *Instance, w window) bool {
	switch in.Component.Name {
	case "VEVENT":
		return in.timing.started && w.spans(in)
	case "VTODO":
		return w.todo(in)
	case "VJOURNAL":
		return in.timing.started && w.spans(in)
	case "VAVAILABILITY": // RFC 7953, section 7
		return w.from < in.free.end && w.to > in.free.start
	}
	return w.freeBusy(in)
}

// spans is the table of VEVENT, and that of VJOURNAL, whose days are as long as theirs
// and whose times take no time.
func (w window) spans(in *Instance) bool {
	if in.end == in.start {
		return w.from <= in.start && w.to > in.start
	}
	return w.from < in.end && w.to > in.start
}

// todo is the table of VTODO, row by row.
func (w window) todo(in *Instance) bool {
	t := in.timing
	switch {
	case t.started && t.lasting:
		return w.from <= in.end && (w.to > in.start || w.to >= in.end)
	case t.started && t.ended:
		return (w.from < in.end || w.from <= in.start) && (w.to > in.start || w.to >= in.end)
	case t.started:
		return w.from <= in.start && w.to > in.start
	case t.ended:
		return w.from < in.start && w.to >= in.start
	case t.completed != nil && t.created != nil:
		return (w.from <= *t.created || w.from <= *t.completed) && (w.to >= *t.created || w.to >= *t.completed)
	case t.completed != nil:
		return w.from <= *t.completed && w.to >= *t.completed
	case t.created != nil:
		return w.to > *t.created
	}
	return true
}

// freeBusy is the table of VFREEBUSY.
func (w window) freeBusy(in *Instance) bool {
	fb := in.free
	if fb.bounded {
		return w.from <= fb.end && w.to > fb.start
	}
	for _, p := range fb.periods {
		if w.from < p.end && w.to > p.start {
			return true
		}
	}
	return false
}
