// Davit is a WebDAV and CalDAV server whose every request passes an embedded
// policy engine. This command is its server and its only tool: it wires the
// packages together, reads flags and prints. It holds no rule about who may do
// what.
//
//	davit init --owner ann
//	davit serve
//	davit user add mia
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"davit/admin"
)

// Exit codes. Scripts rely on them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
	exitRefused  = 4
	exitConflict = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: it carries out one command line and gives its exit
// code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&global{in: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	return report(stderr, root.ExecuteContext(ctx))
}

// answered is the exit code of a command that has said everything already.
type answered int

func (a answered) Error() string { return fmt.Sprintf("exit code %d", int(a)) }

// usageError is a command line that cannot be carried out as it stands.
type usageError struct {
	text  string
	usage string // how the command is written
}

func (e *usageError) Error() string { return e.text }

var exitCodes = map[admin.Kind]int{
	admin.NotFound: exitNotFound,
	admin.Conflict: exitConflict,
	admin.Refused:  exitRefused,
	admin.Invalid:  exitUsage,
	admin.Failed:   exitFailed,
}

// report tells an error to people and gives the exit code for programs.
func report(stderr io.Writer, err error) int {
	var (
		said  answered
		usage *usageError
		told  *admin.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "davit: %s\nusage: %s\n", usage.text, usage.usage)
		return exitUsage
	case errors.As(err, &told):
		fmt.Fprintf(stderr, "davit: %s\n", told.Text)
		if told.Hint != "" {
			fmt.Fprintf(stderr, "hint: %s\n", told.Hint)
		}
		return exitCodes[told.Kind]
	}
	fmt.Fprintf(stderr, "davit: %v\n", err)
	return exitFailed
}
