package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newPush(g *global) *cobra.Command {
	cmd := noun("push", "clients that are told of changes by push services",
		carries(g, &cobra.Command{Use: "list", Short: "list who is told of changes where, and what became of the last message"}, admin.ListPushes, nothing,
			func(p *printer, list []admin.Push) {
				p.row("number", "user", "device", "path", "service", "created", "until", "fault")
				for _, r := range list {
					p.row(strconv.FormatUint(r.Number, 10), r.User, r.Device, r.Path, r.Service, moment(&r.Created), moment(&r.Until), r.Fault)
				}
			}),
		carries(g, &cobra.Command{Use: "drop NUMBER", Short: "end a registration; its client may register again"}, admin.DropPush, registered,
			func(p *printer, _ admin.None) { p.line("dropped") }),
	)
	cmd.Long = `clients that are told of changes by push services (WebDAV-Push). a phone registers
by itself, where the settings allow its service:

  davit policy set push-hosts=push.example.org

a message says that something changed in a collection, encrypted for the phone, and
only as long as its user may know and its password counts.`
	return cmd
}

// registered reads the number of a registration.
func registered(args []string) (admin.PushNumber, error) {
	n, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return admin.PushNumber{}, &admin.Error{Kind: admin.Invalid, Text: "a registration has a number, and " + strconv.Quote(args[0]) + " is none", Hint: "davit push list"}
	}
	return admin.PushNumber{Number: n}, nil
}
