package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// demoPassword is that of every account of the demo organisation, which is
// served on loopback only.
const demoPassword = "demo of davit"

// demoScript makes the demo organisation, in the commands that anybody would
// use.
const demoScript = `init --owner olivia
user add mia --quota 500MB
user add max --quota 500MB
user add nils --quota 100MB
group add staff
group add finance
group join staff user:mia user:max
group join finance user:mia
space add Team --kind group-folder --quota 2GB
space add Finance --kind group-folder --quota 1GB
level set Team group:staff editor
level set Finance group:finance manager
level set Finance group:staff viewer`

func newDemo(g *global) *cobra.Command {
	o := serveOptions{limits: usualLimits}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "serve a demo organisation on loopback",
		Long: `serve a demo organisation on loopback: an owner, three people, two groups, two
group folders and quotas. when the data directory is new, it is made with the
commands that are printed.`,
		Example: "  davit demo --data ./demo",
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "loopback `address` to listen on")
	cmd.Flags().StringVar(&o.readyFile, "ready-file", "", "write the base URL to this `file` once the server listens")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), g, o) }
	return cmd
}

func runDemo(ctx context.Context, g *global, o serveOptions) error {
	addr, err := net.ResolveTCPAddr("tcp", o.listen)
	if err != nil || !addr.IP.IsLoopback() {
		return &usageError{"everybody knows the demo's passwords: it listens on loopback only", "davit demo --listen 127.0.0.1:PORT"}
	}
	_, err = os.Stat(filepath.Join(g.data, "meta.db"))
	if errors.Is(err, fs.ErrNotExist) {
		err = makeDemo(ctx, g)
	}
	if err != nil {
		return err
	}
	o.listening = func(url string) { tellDemo(g.out, url, g.data) }
	return runServe(ctx, g, o)
}

// makeDemo carries the script out and shows each command.
func makeDemo(ctx context.Context, g *global) error {
	for line := range strings.Lines(demoScript) {
		line = strings.TrimSpace(line)
		args := append(strings.Fields(line), "--data", g.data)
		if strings.HasPrefix(line, "init") || strings.HasPrefix(line, "user add") {
			args = append(args, "--password-stdin")
		}
		fmt.Fprintln(g.out, "$ davit", line)
		if code := run(ctx, args, strings.NewReader(demoPassword+"\n"), io.Discard, g.err); code != exitDone {
			return fmt.Errorf("the demo organisation is not whole; remove %s and try again", g.data)
		}
	}
	return nil
}

// tellDemo prints the accounts and a way to mount for each system.
func tellDemo(w io.Writer, url, data string) {
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	port := host[strings.LastIndexByte(host, ':')+1:]
	fmt.Fprintf(w, `
%[1]sdav/

account  password        may
olivia   %[2]s   owner of the whole, sees no space she is not a member of
mia      %[2]s   editor of Team, manager of Finance
max      %[2]s   editor of Team, reader of Finance
nils     %[2]s   his own drive only

Windows   net use * http://localhost:%[4]s/dav/ "%[2]s" /user:mia     (over plain http once: reg add HKLM\SYSTEM\CurrentControlSet\Services\WebClient\Parameters /v BasicAuthLevel /t REG_DWORD /d 2 /f, then restart the WebClient service)
macOS     osascript -e 'mount volume "http://%[3]s/dav/" as user name "mia" with password "%[2]s"'
GNOME     gio mount dav://mia@%[3]s/dav/
KDE       dolphin webdav://mia@%[3]s/dav/
davfs2    mkdir -p mnt && sudo mount -t davfs -o username=mia,uid=$(id -u) http://%[3]s/dav/ mnt
rclone    mkdir -p mnt && rclone mount :webdav: mnt --webdav-url http://%[3]s/dav/ --webdav-user mia --webdav-pass "$(rclone obscure '%[2]s')"
curl      curl -u 'mia:%[2]s' -T README.md http://%[3]s/dav/Team/

why       davit explain max PUT /Finance/plan.txt --data %[5]s
`, url, demoPassword, host, port, data)
}
