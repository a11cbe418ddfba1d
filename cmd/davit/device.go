package main

import (
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newDevice(g *global) *cobra.Command {
	return noun("device", "app passwords, one for each client of an account",
		newDeviceAdd(g), newDeviceList(g),
		carries(g, &cobra.Command{Use: "remove USER NAME", Short: "end an app password from its next request on"},
			admin.RemoveDevice, func(args []string) (admin.DeviceOf, error) {
				return admin.DeviceOf{User: args[0], Name: args[1]}, nil
			}, func(p *printer, d admin.Device) { p.line("device %q of %s removed", d.Name, d.User) }),
	)
}

type deviceAddOptions struct {
	class, expires string
	readOnly       bool
	spaces         []string
}

func newDeviceAdd(g *global) *cobra.Command {
	var o deviceAddOptions
	cmd := &cobra.Command{
		Use:   "add USER NAME",
		Short: "make an app password and show it, this once",
		Example: `  davit device add mia "laptop of mia"
  davit device add mia phone --class mobile --read-only --expires 90d
  davit device add mia scanner --spaces Invoices`,
	}
	f := cmd.Flags()
	f.StringVar(&o.class, "class", policy.DAV.String(), "`kind` of client it is for: web, mobile, desktop, dav")
	f.BoolVar(&o.readOnly, "read-only", false, "let it read and nothing else")
	f.StringVar(&o.expires, "expires", "", "`time` of its end: 2027-01-31, 2027-01-31T18:00, 90d; never if not given")
	f.StringSliceVar(&o.spaces, "spaces", nil, "open these `spaces` and nothing else: names, or ~USER for the personal drive")
	read := func(args []string) (admin.NewDevice, error) {
		n := admin.NewDevice{User: args[0], Name: args[1], ReadOnly: o.readOnly, Spaces: o.spaces}
		var err error
		if n.Class, err = policy.ParseClasses(o.class); err == nil {
			n.Expires, err = parseMoment(o.expires, time.Now())
		}
		if err != nil {
			return n, misusedBy(cmd, err)
		}
		return n, nil
	}
	return carries(g, cmd, admin.AddDevice, read, func(p *printer, d admin.Device) {
		p.line("%s", d.Secret)
		p.line("this is the password of %q for %s; it is not shown again", d.Name, d.User)
	})
}

func newDeviceList(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "list USER", Short: "list the app passwords of an account"}
	return carries(g, cmd, admin.ListDevices, named, func(p *printer, devices []admin.Device) {
		p.row("name", "class", "may", "in", "made", "expires")
		for _, d := range devices {
			may := "read and write"
			if d.ReadOnly {
				may = "read"
			}
			in := "all spaces"
			if len(d.Spaces) > 0 {
				in = list(d.Spaces)
			}
			p.row(d.Name, d.Class.String(), may, in, moment(&d.Created), moment(d.Expires))
		}
	})
}
