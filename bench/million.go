package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A census is how large a store --scale makes. The seed is PUT, file by file, and
// then copied until there are enough: each copy has entries and nodes of its own,
// and shares the bytes.
type census struct {
	seed   layout // folders of files
	copies int    // of the seed, itself included
	wide   layout // one folder, PUT whole
	repeat int    // of what is measured more than once
}

var (
	million = census{seed: layout{"seed", 100, 100}, copies: 100, wide: layout{"wide", 0, 100_000}, repeat: 9}
	village = census{seed: layout{"seed", 3, 5}, copies: 4, wide: layout{"wide", 0, 60}, repeat: 2}
)

func (c census) files() int   { return c.copies * c.seed.count() }
func (c census) folders() int { return c.copies * c.seed.folders }

// Bars of a store of a million files.
const (
	startMax       = 2 * time.Second
	scaleMemoryMax = 300 << 20 // bytes of its own
	wideMax        = 350 * time.Millisecond
	moveMax        = 2 * time.Millisecond
)

// A finding is one line of what --scale tells.
type finding struct {
	what, figure, bar string
	met               string // yes, no, or empty: not judged
}

// growth is --scale at work on one server.
type growth struct {
	census
	*batch
	dir      string
	repeat   int // of what is measured more than once
	findings []finding
	notes    []string
}

// grow fills a fresh server and tells what it is like to live in.
func grow(ctx context.Context, o options, c census, dir string, s *server) (*growth, error) {
	if err := s.start(ctx, s); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	si, err := newSite(s, o.scale)
	if err != nil {
		return nil, err
	}
	g := &growth{census: c, batch: &batch{site: si, clients: []*client{newClient(si.target)}}, dir: dir, repeat: c.repeat}
	g.notes = []string{fmt.Sprintf("the first %d files were PUT one by one; the million are COPYs of %d of them, each with an entry and a node of its own and the bytes shared",
		c.wide.count()+c.seed.count(), c.seed.count())}
	defer g.one().close()
	for _, step := range []func() error{g.fill, g.multiply, g.list, g.move, func() error { return g.restart(ctx) }} {
		if err := step(); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *growth) tell(what, format string, args ...any) {
	g.findings = append(g.findings, finding{what: what, figure: fmt.Sprintf(format, args...)})
}

// judge tells a time with its bar.
func (g *growth) judge(what string, took, most time.Duration) {
	g.findings = append(g.findings, finding{what, took.Round(10 * time.Microsecond).String(), "<= " + most.String(), yesNo(took <= most)})
}

// timed is the median of so many runs.
func (g *growth) timed(run func(i int) error) (time.Duration, error) {
	var took []time.Duration
	for i := range g.repeat {
		start := time.Now()
		if err := run(i); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	return median(took), nil
}

// fill PUTs the one large folder and the seed.
func (g *growth) fill() error {
	for _, l := range []layout{g.wide, g.seed} {
		start := time.Now()
		if err := l.need(g.batch); err != nil {
			return err
		}
		g.tell(fmt.Sprintf("PUT of %d files of 1 KiB into %s, %d connections", l.count(), plural(max(1, l.folders), "folder"), fixtureClients),
			"%s/s", figure(float64(l.count())/time.Since(start).Seconds()))
	}
	return nil
}

// multiply copies the seed until all folders are there.
func (g *growth) multiply() error {
	if _, err := g.one().ask(request{method: "MKCOL", path: "all/"}, 201); err != nil {
		return err
	}
	start := time.Now()
	for i := range g.copies {
		if err := transfer(g.batch, "COPY", "seed/", fmt.Sprintf("all/part-%03d/", i)); err != nil {
			return err
		}
	}
	took := time.Since(start)
	g.tell(fmt.Sprintf("COPY of %d files at a time, until there are %d in %d folders", g.seed.count(), g.files(), g.folders()),
		"%s/s", figure(float64(g.files())/took.Seconds()))
	return g.upload("after")
}

// upload PUTs as many files as the seed once more.
func (g *growth) upload(name string) error {
	l := g.seed
	l.name = name
	start := time.Now()
	if err := l.need(g.batch); err != nil {
		return err
	}
	g.tell(fmt.Sprintf("PUT of %d more, %d connections", l.count(), fixtureClients), "%s/s",
		figure(float64(l.count())/time.Since(start).Seconds()))
	return nil
}

// list looks into one of the many folders, and into the large one, whose answer
// must not gather in memory.
func (g *growth) list() error {
	small := layout{"small", 0, g.seed.files}
	took, err := g.timed(func(i int) error {
		r, err := propfind(g.one(), fmt.Sprintf("all/part-%03d/%s", i%g.copies, g.seed.folder(i%g.seed.folders)), "1", fileManagerProperties)
		return errors.Join(err, whole(r, small))
	})
	if err != nil {
		return err
	}
	g.tell(fmt.Sprintf("PROPFIND depth 1 of one of these folders, %d files", small.files), "%v", took.Round(10*time.Microsecond))
	before, _ := ownMemory(g.child.pid())
	var most int64
	took, err = g.timed(func(int) error {
		r, err := propfind(g.one(), g.tops[g.wide.name], "1", fileManagerProperties)
		now, _ := ownMemory(g.child.pid())
		most = max(most, now)
		g.answer = r
		return err
	})
	if err != nil {
		return err
	}
	if err := whole(g.answer, g.wide); err != nil {
		return err
	}
	g.judge(fmt.Sprintf("PROPFIND depth 1 of a folder of %d files, %s MB", g.wide.files, figure(float64(len(g.answer.body))/1e6)), took, wideMax)
	g.tell("memory that this listing added", "%s MiB", figure(float64(max(0, most-before))/(1<<20)))
	return nil
}

// move renames the folder that holds everything.
func (g *growth) move() error {
	at := "all/"
	took, err := g.timed(func(int) error {
		next := g.fresh("all") + "/"
		err := transfer(g.batch, "MOVE", at, next)
		at = next
		return err
	})
	if err != nil {
		return err
	}
	name := at + fmt.Sprintf("part-%03d/", g.copies-1)
	if err := get(g.one(), name+g.seed.file(g.seed.count()-1), contentOf(g.seed.file(g.seed.count()-1), fileSize)); err != nil {
		return err
	}
	g.judge(fmt.Sprintf("MOVE of the folder with all %d files", g.files()), took, moveMax)
	return nil
}

// restart ends the server and starts it again over what it has.
func (g *growth) restart(ctx context.Context) error {
	own, _ := ownMemory(g.child.pid())
	g.memory("memory, own, after all of this", own)
	if err := g.child.stop(); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(g.dir, "data", "meta.db")); err == nil {
		g.tell("the database", "%d MiB", info.Size()>>20)
	}
	var took []time.Duration
	for i := range 3 {
		start := time.Now()
		if err := g.again(ctx, g.server); err != nil {
			return err
		}
		took = append(took, time.Since(start))
		if i < 2 {
			if err := g.child.stop(); err != nil {
				return err
			}
		}
	}
	g.judge("start, until it listens", median(took), startMax)
	own, _ = ownMemory(g.child.pid())
	g.memory("memory, own, once started", own)
	return nil
}

func (g *growth) memory(what string, bytes int64) {
	g.findings = append(g.findings, finding{what, fmt.Sprintf("%d MiB", bytes>>20), fmt.Sprintf("<= %d MiB", scaleMemoryMax>>20), yesNo(bytes <= scaleMemoryMax)})
}

// table is what was found, for a page.
func (g *growth) table(o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.\n\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "| what | figure | bar | met |\n|---|---|---|---|\n")
	for _, f := range g.findings {
		fmt.Fprintf(&b, "| %s |\n", strings.Join([]string{f.what, f.figure, f.bar, f.met}, " | "))
	}
	fmt.Fprintf(&b, "\n- command: %s\n", o.command)
	for _, n := range g.notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}
