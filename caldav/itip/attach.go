package itip

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/recur"
)

// An Attachment is a file that a server keeps for an object, as the object names it.
// RFC 8607, section 4
type Attachment struct {
	ID   string // MANAGED-ID
	URL  string
	Name string // of the file
	Type string // media type without parameters
	Size int64  // bytes
}

// Errors of attaching.
var (
	ErrRecurrence = errors.New("the object has no such instance")
	ErrAttachment = errors.New("the object names no such attachment")
)

// managedID is the parameter by which an ATTACH names what a server keeps.
// RFC 8607, section 4.3
const managedID = "MANAGED-ID"

// Attach names an attachment in the components of some instances, or in all there are
// for none. An instance is named by its original start, the series by Master. An
// instance that has no component yet gets one. RFC 8607, section 3.4
func (o *Object) Attach(a Attachment, series *recur.Series, instances []string) error {
	parts, err := o.named(series, instances)
	for _, part := range parts {
		part.add(a.prop())
	}
	return err
}

// Reattach puts another attachment in the place of one, wherever that is named.
// RFC 8607, section 3.5
func (o *Object) Reattach(id string, a Attachment) error {
	found := false
	for _, part := range o.parts() {
		part.each("ATTACH", func(it *item) {
			if it.prop.Params.Get(managedID) == id {
				it.prop = a.prop()
				it.write()
				found = true
			}
		})
	}
	if !found {
		return ErrAttachment
	}
	return nil
}

// Detach takes an attachment from the components of some instances, as Attach gives it.
// RFC 8607, section 3.6
func (o *Object) Detach(id string, series *recur.Series, instances []string) error {
	parts, err := o.named(series, instances)
	if err != nil {
		return err
	}
	found := false
	for _, part := range parts {
		part.items = slices.DeleteFunc(part.items, func(it item) bool {
			goes := it.sub == nil && it.prop.Name == "ATTACH" && it.prop.Params.Get(managedID) == id
			found = found || goes
			return goes
		})
	}
	if !found {
		return ErrAttachment
	}
	return nil
}

// prop is the ATTACH of an attachment.
func (a *Attachment) prop() ical.Prop {
	params := ical.Params{managedID: {a.ID}, "SIZE": {strconv.FormatInt(a.Size, 10)}}
	if a.Type != "" {
		params["FMTTYPE"] = []string{a.Type}
	}
	if a.Name != "" {
		params["FILENAME"] = []string{quotable.Replace(a.Name)}
	}
	return ical.Prop{Name: "ATTACH", Params: params, Value: a.URL}
}

// Master names the component of a whole series among instances.
// RFC 8607, section 3.3.2
const Master = "M"

// named are the components of instances, made where there are none.
func (o *Object) named(series *recur.Series, instances []string) (parts []*component, err error) {
	if len(instances) == 0 {
		return o.parts(), nil
	}
	for _, name := range instances {
		part, err := o.instanceOf(series, strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return parts, nil
}

func (o *Object) instanceOf(series *recur.Series, name string) (*component, error) {
	master := o.master()
	if name == Master {
		if master == nil {
			return nil, ErrRecurrence
		}
		return master, nil
	}
	at, err := ical.ParseTime(name, "")
	if err != nil {
		return nil, ErrRecurrence
	}
	id, has, err := series.Original(at)
	if err != nil || !has {
		return nil, errors.Join(ErrRecurrence, err)
	}
	key := id.String()
	if part := o.part(key); part != nil {
		return part, nil
	}
	part := o.instance(master, key)
	if part == nil || o.movedWithOthers(key) {
		return nil, ErrRecurrence
	}
	o.addPart(part)
	return part, nil
}

// movedWithOthers tells whether an instance is as a component says that stands for it
// and others: made one of its own, it would be as the series says.
func (o *Object) movedWithOthers(key string) bool {
	return slices.ContainsFunc(o.parts(), func(c *component) bool {
		id := c.first("RECURRENCE-ID")
		return id != nil && id.get("RANGE", "") == "THISANDFUTURE" && o.key(c) <= key
	})
}
