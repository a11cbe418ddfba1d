// Package admin is what an operator can do: one function for each operation, on
// accounts, groups, profiles, spaces, levels, access lists, limits and the store
// itself. Names go in and come out ("mia", "group:staff", "/Finance/2026"),
// never the store's numbers.
//
// An operator arranges who may do what and has no way to content. This package
// reads no files of anybody, decides no request and prints nothing.
//
// Every operation has two doors, and a caller cannot tell them apart: an Admin
// over an open store, and a Client of the control socket of a running server.
//
//	var door admin.Doer = admin.New(st, service)
//	mia, err := admin.AddUser.Do(ctx, door, admin.NewUser{Name: "mia", Password: secret})
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// A Doer carries out operations by name: an Admin or a Client.
type Doer interface {
	// Do puts what the operation answers into result, a pointer. Its error is an
	// *Error.
	Do(ctx context.Context, op string, args, result any) error
}

// An Admin operates on one open store.
type Admin struct {
	st   *store.Store
	op   *store.Operator
	auth *auth.Service
	as   string // the account that acts, empty for the operator
	// by is as once it is looked up, and epoch what the caller has looked at.
	by    policy.Subject
	epoch uint64
}

// New makes the Admin of a store; service is the one that serves its clients, so
// that what it remembers of credentials ends with them.
func New(st *store.Store, service *auth.Service) *Admin {
	return &Admin{st: st, op: st.Operator(), auth: service}
}

// As is the same Admin acting as an account, or as the operator for "".
func (a *Admin) As(user string) *Admin {
	b := *a
	b.as = user
	return &b
}

// Since is the same Admin making changes only while the policy is still of that
// epoch; 0 is for any.
func (a *Admin) Since(epoch uint64) *Admin {
	b := *a
	b.epoch = epoch
	return &b
}

// acting is the Admin with the account that acts looked up.
func (a *Admin) acting() (*Admin, error) {
	b := *a
	b.op = a.st.Operator().Since(a.epoch)
	if a.as == "" {
		return &b, nil
	}
	u, err := findUser(a.st.Policy(), a.as)
	if err != nil {
		return nil, err
	}
	b.by = a.subject(u, policy.Web)
	switch {
	case u.Inactive:
		return nil, refused("davit user activate "+u.Name, "user %s is deactivated and does nothing", u.Name)
	case !u.ActiveAt(b.by.Now):
		return nil, refused("davit user set "+u.Name+" --expires TIME", "user %s has expired and does nothing", u.Name)
	}
	b.op = b.op.As(b.by, "command line")
	return &b, nil
}

// An Op is an operation that takes an A and answers an R.
type Op[A, R any] struct {
	name    string
	may     permit[A]
	run     func(*Admin, context.Context, A) (R, error)
	changes bool
}

// Changes tells whether the operation changes the policy.
func (o Op[A, R]) Changes() bool { return o.changes }

// Name is how doors call the operation.
func (o Op[A, R]) Name() string { return o.name }

// Do carries the operation out through a door.
func (o Op[A, R]) Do(ctx context.Context, door Doer, args A) (result R, err error) {
	err = door.Do(ctx, o.name, args, &result)
	return result, err
}

// None is what an operation takes that takes nothing.
type None struct{}

// operations are all Ops by name.
var operations = map[string]operation{}

// operation is an Op of any types.
type operation interface {
	Changes() bool
	direct(ctx context.Context, a *Admin, args, result any) error
	decoded(ctx context.Context, a *Admin, args []byte) (result any, err error)
	// argsMax is how many bytes the arguments may take on the control socket.
	argsMax() int64
}

// define makes an Op, with who may ask for it, and puts it into the table that
// both doors read.
func define[A, R any](name string, may permit[A], run func(*Admin, context.Context, A) (R, error)) Op[A, R] {
	o := Op[A, R]{name: name, may: may, run: run}
	operations[name] = o
	return o
}

// change is define for what changes the policy: every change is judged there, by
// the rank and the rights of who makes it.
func change[A, R any](name string, run func(*Admin, context.Context, A) (R, error)) Op[A, R] {
	o := Op[A, R]{name, anybody[A], run, true}
	operations[name] = o
	return o
}

// carryOut runs the operation for who may ask for it.
func (o Op[A, R]) carryOut(ctx context.Context, a *Admin, args A) (R, error) {
	if err := allowed(a, o.may, args); err != nil {
		var none R
		return none, err
	}
	return o.run(a, ctx, args)
}

// Operations lists the names of all operations.
func Operations() []string {
	names := make([]string, 0, len(operations))
	for name := range operations {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Do implements Doer.
func (a *Admin) Do(ctx context.Context, op string, args, result any) error {
	o, ok := operations[op]
	if !ok {
		return unknown(op)
	}
	a, err := a.acting()
	if err != nil {
		return tell(err)
	}
	return tell(o.direct(ctx, a, args, result))
}

func unknown(op string) *Error {
	return &Error{NotFound, fmt.Sprintf("no operation %q", op), "use a davit of the same version as the running server"}
}

func (o Op[A, R]) direct(ctx context.Context, a *Admin, args, result any) error {
	in, ok := args.(A)
	out, fits := result.(*R)
	if !ok || !fits {
		return fmt.Errorf("operation %s takes %T and answers %T, not %T and %T", o.name, *new(A), new(R), args, result)
	}
	var err error
	*out, err = o.carryOut(ctx, a, in)
	return err
}

func (o Op[A, R]) argsMax() int64 {
	if large, ok := any(*new(A)).(interface{ bytesMax() int64 }); ok {
		return large.bytesMax()
	}
	return bodyMax
}

func (o Op[A, R]) decoded(ctx context.Context, a *Admin, args []byte) (any, error) {
	var in A
	d := json.NewDecoder(bytes.NewReader(args))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("arguments of %s: %w: %w", o.name, err, policy.ErrInvalid)
	}
	return o.carryOut(ctx, a, in)
}
