package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// changeTypes are the names under which changes are written down. A name stays
// with its type for ever: what was written once is read again years later.
var changeTypes = map[string]reflect.Type{
	"put-user":       reflect.TypeFor[PutUser](),
	"drop-user":      reflect.TypeFor[DropUser](),
	"put-group":      reflect.TypeFor[PutGroup](),
	"drop-group":     reflect.TypeFor[DropGroup](),
	"join":           reflect.TypeFor[Join](),
	"leave":          reflect.TypeFor[Leave](),
	"put-profile":    reflect.TypeFor[PutProfile](),
	"drop-profile":   reflect.TypeFor[DropProfile](),
	"put-space":      reflect.TypeFor[PutSpace](),
	"transfer-space": reflect.TypeFor[TransferSpace](),
	"drop-space":     reflect.TypeFor[DropSpace](),
	"set-level":      reflect.TypeFor[SetLevel](),
	"set-entry":      reflect.TypeFor[SetEntry](),
	"clear-entries":  reflect.TypeFor[ClearEntries](),
	"set-cut":        reflect.TypeFor[SetCut](),
	"set-quota":      reflect.TypeFor[SetQuota](),
	"put-share":      reflect.TypeFor[PutShare](),
	"drop-share":     reflect.TypeFor[DropShare](),
	"put-settings":   reflect.TypeFor[PutSettings](),
	"move-node":      reflect.TypeFor[MoveNode](),
	"park-node":      reflect.TypeFor[ParkNode](),
	"drop-nodes":     reflect.TypeFor[DropNodes](),
}

// changeNames is changeTypes from the other side.
var changeNames = func() map[reflect.Type]string {
	names := make(map[reflect.Type]string, len(changeTypes))
	for name, t := range changeTypes {
		names[t] = name
	}
	return names
}()

// MarshalChange writes a change as an object of one member, which is named after
// its type: {"join":{"Group":17,"Member":18}}.
func MarshalChange(c Change) (json.RawMessage, error) {
	name, known := changeNames[reflect.TypeOf(c)]
	if !known {
		return nil, invalid("a change of type %T has no name to be written under", c)
	}
	return json.Marshal(map[string]Change{name: c})
}

// UnmarshalChange reads what MarshalChange wrote. What it does not know it
// refuses: a change that is half understood would be another one.
func UnmarshalChange(data json.RawMessage) (Change, error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(data, &named); err != nil || len(named) != 1 {
		return nil, invalid("a change is an object of one member, its name, not %.80q", data)
	}
	name := slices.Collect(maps.Keys(named))[0]
	t, known := changeTypes[name]
	if !known {
		return nil, invalid("no change %q; it may be a newer davit's (changes: %s)", name,
			strings.Join(slices.Sorted(maps.Keys(changeTypes)), " "))
	}
	into := reflect.New(t)
	d := json.NewDecoder(bytes.NewReader(named[name]))
	d.DisallowUnknownFields()
	if err := d.Decode(into.Interface()); err != nil {
		return nil, fmt.Errorf("change %q: %w: %w", name, err, ErrInvalid)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("change %q is followed by something else", name)
	}
	return into.Elem().Interface().(Change), nil
}
