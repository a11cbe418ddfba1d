package admin

import (
	"fmt"
	"strings"

	"davit/policy"
	"davit/store"
)

// This file says who may ask for an operation when it runs in somebody's name.
// Owners and admins may ask everything; others about themselves, and about the
// places whose lists they may read. What they may not know of answers like what
// is not there.

// A permit refuses an operation with these arguments, or does not. The operator is
// never asked for one.
type permit[A any] func(*Admin, A) error

// allowed asks for the permit of an operation; one without is the operator's.
func allowed[A any](a *Admin, may permit[A], args A) error {
	switch {
	case a.as == "":
		return nil
	case may == nil:
		return operators(a, args)
	}
	return may(a, args)
}

// anybody is for changes, which policy judges one by one.
func anybody[A any](*Admin, A) error { return nil }

// operators is for what concerns the machine and not the people.
func operators[A any](*Admin, A) error {
	return refused("leave out --as", "only the operator does this")
}

// admins is for owners and admins.
func admins[A any](a *Admin, _ A) error {
	if a.operates() {
		return nil
	}
	return refused("", "only owners and admins ask for this")
}

func (a *Admin) operates() bool { return a.st.Policy().Operates(a.by) }

// self is for the account that user names, and nobody else: what it gives would
// open that account to whoever gets it.
func self[A any](user func(A) string) permit[A] {
	return func(a *Admin, args A) error {
		if a.is(user(args)) {
			return nil
		}
		return refused("", "everybody does this for himself")
	}
}

// oneself is for owners, admins and the account that user names.
func oneself[A any](user func(A) string) permit[A] {
	return func(a *Admin, args A) error {
		if a.is(user(args)) {
			return nil
		}
		return admins(a, args)
	}
}

// caretakers is for the account that user names, and owners and admins of a
// higher rank.
func caretakers[A any](user func(A) string) permit[A] {
	return func(a *Admin, args A) error {
		name := user(args)
		if a.is(name) {
			return nil
		}
		if err := admins(a, args); err != nil {
			return err
		}
		state := a.st.Policy()
		u, err := findUser(state, name)
		if err != nil {
			return err
		}
		if !state.LooksAfter(a.by, u.ID) {
			return refused("", "user %s is of the same rank or a higher one", u.Name)
		}
		return nil
	}
}

// is tells whether the name is that of the account that acts.
func (a *Admin) is(name string) bool {
	u := a.st.Policy().UserNamed(strings.TrimPrefix(name, "user:"))
	return u != nil && u.ID == a.by.User
}

// readers is for owners, admins and who holds read-acl at the path.
func readers[A any](path func(A) string) permit[A] {
	return func(a *Admin, args A) error {
		if a.operates() {
			return nil
		}
		p, at, err := a.seen(path(args))
		if err != nil {
			return err
		}
		if !a.st.Policy().Decide(a.by, at, policy.ReadACL).Allowed() {
			return refused("", "this needs read-acl at %s", p)
		}
		return nil
	}
}

// seen finds a path that the account that acts may know of.
func (a *Admin) seen(path string) (store.Path, policy.Place, error) {
	p, at, _, err := a.place(path)
	if err == nil && !a.st.Policy().Sees(a.by, at) {
		err = fmt.Errorf("%s: %w", p, store.ErrNotFound)
	}
	return p, at, err
}

// mayAsk: everybody asks about himself where he sees something, and about others
// where he may read the lists.
func (a *Admin) mayAsk(q Question) error {
	if a.operates() {
		return nil
	}
	paths := []string{q.Path}
	if q.To != "" {
		paths = append(paths, q.To)
	}
	for _, path := range paths {
		if !a.is(q.User) {
			if err := readers(func(string) string { return path })(a, path); err != nil {
				return err
			}
		} else if _, _, err := a.seen(path); err != nil {
			return err
		}
	}
	return nil
}

// mayShowGroup: its managers see who is in a group.
func (a *Admin) mayShowGroup(n Named) error {
	if a.operates() {
		return nil
	}
	_, err := a.findGroup(a.st.Policy(), n.Name)
	return err
}

func namedUser(n Named) string { return n.Name }

func namedSpace(n Named) string { return n.Name }
