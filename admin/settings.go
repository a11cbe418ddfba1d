package admin

import (
	"context"
	"maps"
	"slices"

	"davit/policy"
)

// Operations on the settings of the instance.
var (
	ShowSettings = define("policy.show", admins, (*Admin).ShowSettings)
	SetSettings  = change("policy.set", (*Admin).SetSettings)
)

// Settings are the rules of the whole instance, each as people write it.
type Settings struct {
	Epoch    uint64    `json:"epoch"` // of the policy
	Settings []Setting `json:"settings"`
}

// A Setting is one rule.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// EditSettings says which settings get which value; the others stay.
type EditSettings struct {
	Values map[string]string `json:"values"`
}

// ShowSettings tells all settings.
func (a *Admin) ShowSettings(context.Context, None) (Settings, error) {
	return settingsShown(a.st.Policy()), nil
}

func settingsShown(state *policy.State) Settings {
	shown, set := Settings{Epoch: state.Epoch}, state.Settings()
	for _, name := range policy.SettingNames() {
		shown.Settings = append(shown.Settings, Setting{name, set.Text(name)})
	}
	return shown
}

// SetSettings changes settings: all that are named, or none.
func (a *Admin) SetSettings(ctx context.Context, e EditSettings) (Settings, error) {
	if len(e.Values) == 0 {
		return Settings{}, invalid("davit policy show", "say what to change of the settings: KEY=VALUE")
	}
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		set := state.Settings()
		for _, name := range slices.Sorted(maps.Keys(e.Values)) {
			if err := set.Put(name, e.Values[name]); err != nil {
				return nil, err
			}
		}
		return []policy.Change{policy.PutSettings{Settings: set}}, nil
	})
	if err != nil {
		return Settings{}, err
	}
	return settingsShown(a.st.Policy()), nil
}
