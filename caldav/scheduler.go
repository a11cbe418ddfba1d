package caldav

import (
	"bytes"
	"errors"
	"net/http"
	"slices"

	"davit/caldav/ical"
	"davit/caldav/itip"
	"davit/store"
)

// Scheduler knows for the store what calendar objects say to people: see
// store.Options. Its refusals are answers to a request.
type Scheduler struct{}

// scheduled tells whether an object names an organizer.
func scheduled(obj *ical.Object) bool {
	return slices.ContainsFunc(obj.Calendar.Children, func(c *ical.Component) bool { return c.Props.Get("ORGANIZER") != nil })
}

// parties are addresses as they are compared.
func parties(addresses []string) itip.Party {
	if addresses == nil {
		return nil
	}
	p := itip.Party{}
	for _, a := range addresses {
		p = append(p, itip.Key(a))
	}
	return p
}

// Send implements store.Scheduler.
func (Scheduler) Send(c store.ScheduleChange) (store.Sending, error) {
	change := itip.Change{Owner: parties(c.Owner), Name: c.OwnerName, Actor: parties(c.Actor), Merges: c.Merges, Silent: c.Silent, Again: c.Again, Now: c.Now}
	if len(c.Owner) > 0 {
		change.Address = c.Owner[0]
	}
	if len(c.Actor) > 0 {
		change.ActorAddress = c.Actor[0]
	}
	var err error
	if c.Old != nil {
		if change.Old, err = itip.Parse(c.Old); err != nil {
			return store.Sending{}, err
		}
	}
	if c.New != nil {
		if change.New, err = itip.Parse(c.New); err != nil {
			return store.Sending{}, broken(err)
		}
	}
	out, err := change.Send()
	if err != nil {
		return store.Sending{}, scheduleError(err)
	}
	named := change.New
	if named == nil {
		named = change.Old
	}
	s := store.Sending{Role: store.ScheduleRole(out.Role), UID: named.UID()}
	for _, m := range out.Messages {
		s.Messages = append(s.Messages, store.ScheduleMessage{To: itip.Key(m.To), From: itip.Key(m.From), UID: s.UID,
			Component: named.Component(), Method: string(m.Method), Body: m.Body})
	}
	if out.Object != nil {
		s.Kept = func(status map[string]string) []byte { return kept(c.New, out, status) }
	}
	return s, nil
}

// kept is an object with how its messages went; what a client wrote, where that
// leaves it as it was.
func kept(sent []byte, out itip.Outcome, status map[string]string) []byte {
	for to, code := range status {
		out.Object.SetStatus(out.Role, to, code)
	}
	if b := out.Object.Bytes(); !bytes.Equal(b, sent) {
		return b
	}
	return sent
}

// Receive implements store.Scheduler.
func (Scheduler) Receive(m store.ScheduleMessage, have []byte, sender, receiver []string) (store.Receipt, error) {
	message := itip.Message{From: m.From, To: m.To, Method: itip.Method(m.Method), Body: m.Body}
	var old *itip.Object
	if have != nil {
		var err error
		if old, err = itip.Parse(have); err != nil {
			return store.Receipt{}, err
		}
	}
	r, err := message.Receive(old, parties(sender), parties(receiver))
	if err != nil {
		return store.Receipt{}, err
	}
	receipt := store.Receipt{Status: r.Status, Tagged: r.Tagged}
	if r.Object != nil {
		receipt.Content = r.Object.Bytes()
	}
	return receipt, nil
}

// Note implements store.Scheduler.
func (Scheduler) Note(content []byte, owner []string, to, status string) ([]byte, error) {
	o, err := itip.Parse(content)
	if err != nil {
		return nil, err
	}
	o.SetStatus(o.RoleOf(parties(owner)), to, status)
	if noted := o.Bytes(); !bytes.Equal(noted, content) {
		return noted, nil
	}
	return nil, nil
}

// scheduleError is the answer to a change that scheduling refuses.
func scheduleError(err error) error {
	var wrong *itip.Error
	if errors.As(err, &wrong) {
		return violation(http.StatusForbidden, wrong.Precondition, wrong.Reason)
	}
	return err
}
