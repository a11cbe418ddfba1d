package davit_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"davit/admin"
	"davit/policy"
	"davit/store"
)

// A where is the context of a question or request.
type where struct {
	Class   string `yaml:"class"`
	Now     *int64 `yaml:"now"`
	Network string `yaml:"network"`
	Cred    string `yaml:"cred"` // an app password; the full credential without
}

// network reads where a request comes from.
func (w where) network() (policy.Network, error) {
	if w.Network == "" {
		return policy.Inside, nil
	}
	n, err := policy.ParseNetworks(strings.TrimPrefix(w.Network, "unknown"))
	if err != nil {
		return n, mistake{err}
	}
	return n, nil
}

// subject is somebody with a full credential, through the web unless the context
// says otherwise.
func (r *run) subject(who string, w where) (policy.Subject, error) {
	sub := policy.Subject{Mask: policy.All, Class: policy.Web, Now: r.clock.Load()}
	var err error
	if sub.Network, err = w.network(); err != nil {
		return sub, err
	}
	if strings.HasPrefix(who, "link:") {
		link, err := r.linkNamed(who)
		if err != nil {
			return sub, err
		}
		sub.Link = link
	} else if who != nobody {
		u, err := r.userNamed(who)
		if err != nil {
			return sub, err
		}
		sub.User = u.ID
	}
	if w.Now != nil {
		sub.Now = *w.Now
	}
	if w.Cred != "" {
		d, err := r.device(who, w.Cred)
		if err != nil {
			return sub, err
		}
		sub.Class, sub.Spaces = d.Class, d.Spaces
		if d.ReadOnly {
			sub.Mask = policy.ReadOnly
		}
	}
	if w.Class != "" {
		sub.Class, err = policy.ParseClasses(w.Class)
	}
	return sub, err
}

type can struct {
	Who string `yaml:"who"`
	At  string `yaml:"at"`
	Yes words  `yaml:"yes"`
	No  words  `yaml:"no"`
	Ctx where  `yaml:"ctx"`
}

// can asks for rights. What does not exist has those of the folder it would
// stand in: nothing can be said of it alone.
func (r *run) can(s *step) error {
	c := s.Can
	sub, err := r.subject(c.Who, c.Ctx)
	if err != nil {
		return err
	}
	at, err := r.nearest(c.At)
	if err != nil {
		return err
	}
	yes, err1 := parseRights(c.Yes)
	no, err2 := parseRights(c.No)
	if err := errors.Join(err1, err2); err != nil {
		return mistake{err}
	}
	held := r.server.Store.Policy().Held(sub, at)
	if yes&^held != 0 || no&held != 0 {
		return fmt.Errorf("%s at %s lacks %s and should not hold %s", c.Who, c.At, yes&^held, no&held)
	}
	return nil
}

// nearest is the place of a path, or of the nearest folder above it that exists.
func (r *run) nearest(p string) (policy.Place, error) {
	at, err := r.storePath(p)
	if err != nil {
		return policy.Place{}, err
	}
	for whole := len(at); ; at = at[:len(at)-1] {
		place, e, err := r.server.Store.Operator().Place(at)
		switch {
		case err == nil && (e.Dir || len(at) == whole):
			return place, nil
		case err != nil && (!errors.Is(err, store.ErrNotFound) || len(at) == 1):
			return place, err
		}
	}
}

type matrix struct {
	Users  []string `yaml:"users"`
	Spaces []string `yaml:"spaces"`
	Ctx    where    `yaml:"ctx"`
}

// matrix asks for the effective levels, cell by cell.
func (r *run) matrix(s *step) error {
	var want [][]string
	if err := s.wants(&want); err != nil {
		return err
	}
	var got [][]string
	for _, who := range s.Matrix.Users {
		sub, err := r.subject(who, s.Matrix.Ctx)
		if err != nil {
			return err
		}
		var row []string
		for _, space := range s.Matrix.Spaces {
			at, err := r.place("/" + space)
			if err != nil {
				return err
			}
			row = append(row, policy.LevelOf(r.server.Store.Policy().Held(sub, at)))
		}
		got = append(got, row)
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the matrix is %v instead of %v", got, want)
	}
	return nil
}

// whatIf applies a change to the policy of this moment and throws the result
// away.
func (r *run) whatIf(s *step) error {
	var want struct {
		Gain []string `yaml:"gain"`
		Lose []string `yaml:"lose"`
	}
	if err := s.wants(&want); err != nil {
		return err
	}
	p, err := s.WhatIf.part()
	if err != nil {
		return err
	}
	changes, err := p.plan(r)
	if err != nil {
		return err
	}
	before := r.server.Store.Policy()
	after, _, err := before.Apply(changes...)
	if err != nil {
		return err
	}
	gain, lose, err := r.difference(before, after)
	if err != nil {
		return err
	}
	slices.Sort(want.Gain)
	slices.Sort(want.Lose)
	if !slices.Equal(gain, want.Gain) || !slices.Equal(lose, want.Lose) {
		return fmt.Errorf("gain %v and lose %v instead of %v and %v", gain, lose, want.Gain, want.Lose)
	}
	return nil
}

// difference names the accounts of the world that hold more and less somewhere
// in the tree of the world.
func (r *run) difference(before, after *policy.State) (gain, lose []string, err error) {
	places, err := r.placesOfTree()
	if err != nil {
		return nil, nil, err
	}
	for who := range r.world.Accounts {
		sub, err := r.subject(who, where{})
		if err != nil {
			return nil, nil, err
		}
		var more, less policy.Rights
		for _, at := range places {
			was, is := before.Held(sub, at), after.Held(sub, at)
			more, less = more|is&^was, less|was&^is
		}
		if more != 0 {
			gain = append(gain, who)
		}
		if less != 0 {
			lose = append(lose, who)
		}
	}
	slices.Sort(gain)
	slices.Sort(lose)
	return gain, lose, nil
}

// placesOfTree are all places of the world's tree and the folders above.
func (r *run) placesOfTree() (places []policy.Place, err error) {
	for _, p := range r.world.Tree {
		if space, _ := splitPath(p); r.leftOut[space] != "" {
			continue
		}
		at, err := r.nearest(p)
		if err != nil {
			return nil, err
		}
		for i := range at.Path {
			places = append(places, policy.Place{Space: at.Space, Path: at.Path[:i+1]})
		}
	}
	return places, nil
}

type explain struct {
	Who   string `yaml:"who"`
	At    string `yaml:"at"`
	Right string `yaml:"right"`
	Ctx   where  `yaml:"ctx"`
}

// explain asks as an operator does. The deciding line has to name what is wanted.
func (r *run) explain(s *step) error {
	var want struct {
		Allow   *bool  `yaml:"allow"`
		Because words  `yaml:"because"`
		Cut     string `yaml:"cut"`
	}
	if err := s.wants(&want); err != nil {
		return err
	}
	x := s.Explain
	sub, err := r.subject(x.Who, x.Ctx)
	if err != nil {
		return err
	}
	at, err := r.storePath(x.At)
	if err != nil {
		return err
	}
	now := r.clock.Swap(sub.Now)
	defer r.clock.Store(now)
	answer, err := admin.New(r.server.Store, r.server.Auth).Explain(context.Background(),
		admin.Question{User: x.Who, Ask: x.Right, Path: at.String(), Standpoint: admin.Standpoint{Class: sub.Class, Network: &sub.Network}})
	if err != nil {
		return err
	}
	if want.Allow != nil && *want.Allow != answer.Allowed {
		return fmt.Errorf("allowed is %t: %s", answer.Allowed, answer.Why)
	}
	if want.Cut != "" {
		want.Because = append(want.Because, "ceiling", want.Cut)
	}
	for _, name := range want.Because {
		if !strings.Contains(answer.Why, name) {
			return fmt.Errorf("the deciding line does not name %q: %s", name, answer.Why)
		}
	}
	return nil
}
