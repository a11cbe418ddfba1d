package admin

import (
	"slices"
	"strings"
	"time"

	"davit/policy"
	"davit/store"
)

// A Flip is what would turn an answer the other way, as it was tried.
type Flip struct {
	// Commands to type, all of them.
	Commands []string `json:"commands,omitempty"`
	// Otherwise is how to ask instead: "from a web client".
	Otherwise string `json:"otherwise,omitempty"`
	Accounts  int    `json:"accounts"` // that the commands concern
}

// addFlips adds the smallest steps that would turn an answer. Whoever may not
// look at all lists is not told of groups and profiles beside his own.
func (a *Admin) addFlips(answer *Answer, sub policy.Subject) error {
	c := &answer.Checks[len(answer.Checks)-1] // the last one decides
	if a.as != "" && !a.operates() {
		return nil
	}
	p, at, _, err := a.place(c.Path)
	if err != nil {
		return err
	}
	want := c.Wanted
	if c.Status != 0 && !c.Visible {
		want |= policy.See // a method says nothing of what is hidden
	}
	if c.Allowed != (want&^c.Held == 0) {
		return nil // not decided by what is held there
	}
	state := a.st.Policy()
	for _, f := range state.Flips(sub, at, want) {
		told := Flip{Otherwise: otherwise(sub, f.Asker), Accounts: f.Accounts}
		typed := true
		for _, change := range f.Changes {
			w := commandWriter{state, p, at.Path}
			command := w.command(change)
			typed = typed && command != ""
			told.Commands = append(told.Commands, command)
		}
		if typed {
			answer.Flips = append(answer.Flips, told)
		}
	}
	answer.Stuck = !c.Allowed && len(answer.Flips) == 0
	return nil
}

// otherwise says what is different in who asks; empty for nothing.
func otherwise(sub, asker policy.Subject) string {
	var parts []string
	if asker.Class != sub.Class {
		parts = append(parts, "from a client of the class "+asker.Class.String())
	}
	if asker.Network != sub.Network {
		parts = append(parts, "from a network "+asker.Network.String())
	}
	if asker.Now != sub.Now {
		parts = append(parts, "from "+time.Unix(asker.Now, 0).UTC().Format(time.RFC3339)+" on")
	}
	if asker.Mask != sub.Mask || len(asker.Spaces) != len(sub.Spaces) {
		parts = append(parts, "with the main password")
	}
	return strings.Join(parts, ", ")
}

// commandWriter writes changes as commands to type, about the places on one way.
type commandWriter struct {
	state *policy.State
	path  store.Path
	nodes []policy.Node
}

// command is the command line that makes a change, empty when none does.
func (w *commandWriter) command(c policy.Change) string {
	switch c := c.(type) {
	case policy.SetEntry:
		return w.aclSet(len(c.At.Path), &c.Entry)
	case policy.ClearEntries:
		return typed("acl", "clear", w.path[:slices.Index(w.nodes, c.Node)+1].String(), w.state.PrincipalName(c.Principal))
	case policy.SetCut:
		return typed("acl", "uncut", w.path[:len(c.At.Path)].String())
	case policy.SetLevel:
		return w.levelSet(&c)
	case policy.PutShare:
		return w.shareAdd(len(c.At.Path), &c.Share)
	case policy.DropShare:
		return typed("share", "remove", shareIDText(c.ID))
	case policy.Join:
		return w.membership(c.Group, "join", "give", c.Member)
	case policy.Leave:
		return w.membership(c.Group, "leave", "take", c.Member)
	case policy.PutUser:
		return w.userSet(&c.User)
	case policy.PutProfile:
		return typed("profile", "set", c.Profile.Name, "--functions", c.Profile.Functions.String())
	case policy.PutSpace:
		verb := "restore"
		if w.state.Space(c.Space.ID).State == policy.Closed {
			verb = "open"
		}
		return typed("space", verb, store.SpacePath(w.state, &c.Space))
	case policy.PutSettings:
		return typed("policy", "set", "guests=on")
	}
	return ""
}

func (w *commandWriter) aclSet(depth int, e *policy.Entry) string {
	words := []string{"acl", "set", w.path[:depth].String(), w.state.PrincipalName(e.Principal)}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, value)
		}
	}
	rights := func(r policy.Rights) string { return strings.TrimPrefix(r.String(), levelNone) }
	if e.Level != "" && !strings.Contains(e.Level, "+") {
		add("--allow", "level:"+e.Level)
	} else {
		add("--allow", rights(e.Allow))
	}
	add("--revoke", rights(e.Revoke))
	add("--deny", rights(e.Deny))
	add("--class", e.Class.String())
	add("--network", e.Network.String())
	if from := moment(e.From); from != nil {
		add("--from", from.Format(time.RFC3339))
	}
	if until := moment(e.Until); until != nil {
		add("--until", until.Format(time.RFC3339))
	}
	return typed(words...)
}

func (w *commandWriter) levelSet(c *policy.SetLevel) string {
	level := c.Entry.Level
	switch {
	case c.Entry.Allow == 0:
		level = levelNone
	case level == "":
		level = levelNone + "+" + strings.Join(c.Entry.Allow.Names(), "+")
	}
	words := []string{"level", "set", store.SpacePath(w.state, w.state.Space(c.Space)), w.state.PrincipalName(c.Entry.Principal), level}
	if c.Pin != nil && !*c.Pin {
		words = append(words, "--unpin")
	}
	return typed(words...)
}

func (w *commandWriter) shareAdd(depth int, sh *policy.Share) string {
	gives := sh.Level
	if gives == "" {
		gives = strings.Join(sh.Rights.Names(), ",")
	}
	return typed("share", "add", w.path[:depth].String(), "--by", w.state.User(sh.By).Name, "--to", w.state.PrincipalName(sh.To), "--rights", gives)
}

func (w *commandWriter) membership(group policy.ID, ofGroup, ofRole string, member policy.ID) string {
	g := w.state.Group(group)
	if g.Role {
		return typed("role", ofRole, g.Name, w.state.PrincipalName(member))
	}
	return typed("group", ofGroup, g.Name, w.state.PrincipalName(member))
}

func (w *commandWriter) userSet(u *policy.User) string {
	was := w.state.User(u.ID)
	switch {
	case was.Inactive && !u.Inactive:
		return typed("user", "activate", u.Name)
	case was.Until != u.Until:
		return typed("user", "set", u.Name, "--expires", "never")
	}
	return typed("user", "set", u.Name, "--profile", w.state.Profile(u.Profile).Name)
}

// typed is a command line as a shell reads it.
func typed(words ...string) string {
	for i, word := range words {
		plain := strings.IndexFunc(word, func(c rune) bool {
			return !strings.ContainsRune("/~._-:,=+@", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
		}) < 0
		if !plain || word == "" {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return "davit " + strings.Join(words, " ")
}
