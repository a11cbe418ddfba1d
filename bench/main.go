// Package main is the benchmark: it owns the side-by-side measurement of Davit,
// a bare golang.org/x/net/webdav server, the naive peer, and the web servers with
// WebDAV that are installed. It starts all of them itself, takes turns between
// them, checks every answer, and prints medians, ratios and whether the bars are
// met. It never reaches into Davit's packages:
// all it knows of a server is its URL and its process.
//
//	go run ./bench                               everything, about half an hour
//	go run ./bench --quick                       a smoke test, under a minute
//	go run ./bench --only 'GET|PUT' --rounds 9   some workloads, more rounds
//	go run ./bench --scale                       Davit alone, with a million files
//	go run ./bench --calendar                    calendars, beside calendar servers
//	go run ./bench --calendar --scale            Davit alone, with a million events
//	go run ./bench --davit none --peers none     the naive server alone
//
// Ratios travel from machine to machine, absolute figures do not. The row named
// floor says what one durable write costs on this disk; read the others by it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

// Exit codes, the same as davit's own.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings as parameters; it answers the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var err error
	if len(args) > 0 && args[0] == naiveCommand {
		err = serveNaive(ctx, args[1:], stderr)
	} else {
		runtime.GOMAXPROCS(max(runtime.NumCPU(), fixtureClients+1)) // each client keeps one while it waits
		err = bench(ctx, args, stdout, stderr)
	}
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errUsage):
		return exitUsage // the flag package has said what is wrong
	}
	fmt.Fprintf(stderr, "bench: %v\n", err)
	return exitFailed
}

var errUsage = errors.New("wrong usage")

// options are what the command line says.
type options struct {
	command  string // as typed, for the report
	davit    string
	contest  *contest
	peers    []*peer
	dir      string
	only     *regexp.Regexp
	rounds   int
	scale    scale
	markdown string
	json     bool
	census   *census // of --scale
	town     *town   // of --calendar --scale
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{command: strings.Join(append([]string{"go run ./bench"}, args...), " "), scale: full}
	var only, beside string
	var quick, large, calendars bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.davit, "davit", "", "`path` of a davit binary; none leaves Davit out; empty builds ./cmd/davit")
	flags.StringVar(&beside, "peers", usualPeers, "`names` of the installed servers to measure beside it; none for none")
	flags.StringVar(&o.dir, "dir", "", "`folder` for the temporary data, which chooses the disk")
	flags.StringVar(&only, "only", "", "run the workloads whose names match this `regexp`")
	flags.IntVar(&o.rounds, "rounds", 0, "measured rounds a workload (default 5, or 2 with --quick)")
	flags.BoolVar(&quick, "quick", false, "small counts: a smoke test whose figures mean nothing")
	flags.BoolVar(&large, "scale", false, "fill Davit with a million files, or events, and tell what it is like, instead of comparing")
	flags.BoolVar(&calendars, "calendar", false, "compare calendars with those of calendar servers, instead of files")
	flags.StringVar(&o.markdown, "markdown", "", "also write the table into its place in this `file`")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of the table")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, errUsage
	}
	complain := func(format string, args ...any) (options, error) {
		fmt.Fprintf(stderr, "bench: "+format+"\n", args...)
		return o, errUsage
	}
	if flags.NArg() > 0 {
		return complain("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	if quick {
		o.scale = small
	}
	if large {
		o.census, o.town = &million, &bigTown
		if quick {
			o.census, o.town = &village, &smallTown
		}
	}
	o.contest = &fileContest
	if calendars {
		o.contest = &calendarContest
	}
	if o.rounds == 0 {
		o.rounds = o.scale.rounds
	}
	if o.rounds < 1 || o.rounds > roundsMax {
		return complain("--rounds %d: give 1 to %d", o.rounds, roundsMax)
	}
	var err error
	if o.peers, err = o.contest.peersNamed(beside); err != nil {
		return complain("--peers: %v", err)
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return complain("--only: %v", err)
	}
	return o, nil
}

// bench measures and reports. Whatever ends it, its children and its temporary
// folder go with it.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	var chosen []workload
	for _, w := range o.contest.workloads(o.scale) {
		if o.only.MatchString(w.name) {
			chosen = append(chosen, w)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no workload matches --only %q", o.only)
	}
	dir, err := os.MkdirTemp(o.dir, "davit-bench-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	if o.census != nil {
		return growDavit(ctx, o, dir, stdout, stderr)
	}
	return compareServers(ctx, o, chosen, dir, stdout, stderr)
}

func compareServers(ctx context.Context, o options, chosen []workload, dir string, stdout, stderr io.Writer) (err error) {
	beside, absent := installed(o.peers)
	servers, err := startAll(ctx, o, beside, dir, stderr)
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	if err != nil {
		return err
	}
	m := &meter{dir: dir, scale: o.scale, rounds: o.rounds, progress: stderr}
	res, err := m.measure(ctx, chosen, servers)
	if err != nil {
		return err
	}
	res.absent = absent
	if err := publish(newReport(o, res), o, stdout); err != nil {
		return err
	}
	return res.verdict()
}

func growDavit(ctx context.Context, o options, dir string, stdout, stderr io.Writer) (err error) {
	binary, err := davitBinary(ctx, o, dir, stderr)
	if err != nil {
		return err
	}
	home := filepath.Join(dir, "davit")
	place, s := "scale", newDavit(binary, home)
	calendars := o.contest == &calendarContest
	if calendars {
		place, s = "calendar-scale", newDavitCalendars(binary, home)
	}
	defer func() {
		if s.child != nil {
			err = errors.Join(err, stopAll([]*server{s}))
		}
	}()
	var g *growth
	if calendars {
		g, err = foundTown(ctx, o, *o.town, binary, home, s)
	} else {
		g, err = grow(ctx, o, *o.census, home, s)
	}
	if err != nil {
		return err
	}
	table := g.table(o)
	if o.markdown != "" {
		if err := intoPage(o.markdown, place, table); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, table)
	return err
}

// davitBinary is the program to measure, built unless the command line names it.
func davitBinary(ctx context.Context, o options, dir string, stderr io.Writer) (string, error) {
	if o.davit != "" {
		return o.davit, nil
	}
	fmt.Fprintln(stderr, "building ./cmd/davit")
	binary := filepath.Join(dir, "davit-built")
	return binary, command(ctx, "", "go", "build", "-o", binary, "./cmd/davit")
}

// startAll starts the servers to compare, the yardstick first. Those it started
// are returned even when a later one fails.
func startAll(ctx context.Context, o options, beside []*peer, dir string, stderr io.Writer) ([]*server, error) {
	binary := ""
	if o.davit != "none" {
		var err error
		if binary, err = davitBinary(ctx, o, dir, stderr); err != nil {
			return nil, err
		}
	}
	servers := o.contest.servers(o, beside, binary, dir)
	for i, s := range servers {
		fmt.Fprintf(stderr, "starting %s\n", s.name)
		if err := s.start(ctx, s); err != nil {
			return servers[:i], fmt.Errorf("start %s: %w", s.name, err)
		}
	}
	return servers, nil
}

func stopAll(servers []*server) error {
	var errs []error
	for _, s := range servers {
		if err := s.child.stop(); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}
