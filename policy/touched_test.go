package policy

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

// TestCompareKnowsAll: whoever adds a table to the state says here where Compare
// reads its differences. New fields of records count as relevant by themselves.
func TestCompareKnowsAll(t *testing.T) {
	read := map[string]string{
		"Epoch": "counts changes and decides nothing", "users": "user", "groups": "by their closures", "profiles": "profile",
		"spaces": "space", "roots": "by the spaces", "ways": "way", "names": "decide nothing", "named": "by the ways", "cuts": "by the ways", "hurdles": "by the ways",
		"given": "by the ways", "levelled": "by the spaces", "shares": "by the ways, and told", "gave": "by the ways, and for givers who changed", "settings": "settings",
		"in": "by the closures", "closures": "memberships",
	}
	for i := range reflect.TypeFor[State]().NumField() {
		name := reflect.TypeFor[State]().Field(i).Name
		if read[name] == "" {
			t.Errorf("what Compare makes of State.%s is not said", name)
		}
		delete(read, name)
	}
	if len(read) > 0 {
		t.Errorf("no such fields: %q", slices.Sorted(maps.Keys(read)))
	}
}
