package dav

import (
	"errors"
	"strings"

	"davit/dav/wire"
	"davit/store"
)

// The label of a version is the one property beyond the listed tree that is set.
var (
	labelName = ownName("label")
	labelElem = wire.NewElement(labelName)
)

// labelVersion answers PROPPATCH on a version, of which nothing but the label is set.
func labelVersion(rq *request) error {
	patch, err := rq.propertyUpdate()
	if err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	protected := refusedProps{}
	label := ""
	for i := range patch {
		if patch[i].Name != labelName {
			protected[patch[i].Name] = dav("cannot-modify-protected-property")[0]
		} else if label = ""; !patch[i].Remove {
			label = strings.TrimSpace(patch[i].Text())
		}
	}
	if len(protected) > 0 {
		// Who may not know of the version is told nothing of its properties.
		if _, err := rq.session.Stat(rq.path, store.Want{}); err != nil {
			return err
		}
		return rq.patched(patch, protected)
	}
	switch err := rq.session.Label(rq.r.Context(), rq.path, label, t); {
	case errors.Is(err, store.ErrInvalid):
		protected[labelName] = own("label-size", "")
		return rq.patched(patch, protected)
	case err != nil:
		return err
	}
	return rq.patchedAll(patch)
}
