package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const (
	fileSize       = 1 << 10 // of every small file
	smallFiles     = 64      // shared by the readers
	fixtureClients = 32      // that PUT the tree
)

// A fixture is made once a server, when the first workload asks for it, and off
// the clock.
func (b *batch) fixture(name string, build func() error) error {
	if b.fixtures[name] {
		return nil
	}
	if err := build(); err != nil {
		return fmt.Errorf("prepare %s: %w", name, err)
	}
	b.fixtures[name] = true
	return nil
}

func smallName(i int) string { return fmt.Sprintf("small/f%04d.txt", i%smallFiles) }

// needSmall lays out a folder of files of 1 KiB.
func needSmall(b *batch) error {
	return b.fixture("small files", func() error {
		if _, err := b.one().ask(request{method: "MKCOL", path: "small/"}, 201); err != nil {
			return err
		}
		for i := range smallFiles {
			if err := put(b.one(), smallName(i), contentOf(smallName(i), fileSize)); err != nil {
				return err
			}
		}
		return nil
	})
}

const bigName = "big.bin"

func (b *batch) big() content { return contentOf(bigName, b.scale.bigSize) }

// needBig lays out one large file.
func needBig(b *batch) error {
	return b.fixture(bigName, func() error { return put(b.one(), bigName, b.big()) })
}

// A layout is a fixture of many files: all in one folder, or the same number in
// each of some folders.
type layout struct {
	name           string
	folders, files int // no folders: the files stand in the top
}

// count is how many files there are, and resources how many a listing of all of
// it tells.
func (l layout) count() int     { return max(l.folders, 1) * l.files }
func (l layout) resources() int { return l.count() + l.folders + 1 }

// file is the name of a file below the top.
func (l layout) file(i int) string {
	if l.folders == 0 {
		return fmt.Sprintf("file-%05d.txt", i)
	}
	return fmt.Sprintf("%sfile-%05d.txt", l.folder(i/l.files), i%l.files)
}

func (l layout) folder(i int) string { return fmt.Sprintf("folder-%03d/", i) }

// need lays the files out: on the disk where the server serves plain files, by
// PUT where it does not.
func (l layout) need(b *batch) error {
	return b.fixture(l.name, func() error {
		b.tops[l.name] = l.name + "/"
		if b.files == "" {
			return l.upload(b)
		}
		return l.write(filepath.Join(b.files, l.name), b.owner)
	})
}

// write lays the files into a folder of plain files.
func (l layout) write(dir string, owner int) error {
	dirs := []string{dir}
	for i := range l.folders {
		dirs = append(dirs, filepath.Join(dir, l.folder(i)))
	}
	give := func(name string) error {
		if owner == 0 {
			return nil
		}
		return os.Chown(name, owner, -1)
	}
	for _, d := range dirs {
		if err := errors.Join(os.Mkdir(d, 0o700), give(d)); err != nil {
			return err
		}
	}
	for i := range l.count() {
		name := filepath.Join(dir, l.file(i))
		if err := os.WriteFile(name, contentOf(l.file(i), fileSize).bytes(), 0o600); err != nil {
			return err
		}
		if err := give(name); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) upload(b *batch) error {
	top := b.tops[l.name]
	dirs := []string{top}
	for i := range l.folders {
		dirs = append(dirs, top+l.folder(i))
	}
	for _, dir := range dirs {
		if _, err := b.one().ask(request{method: "MKCOL", path: dir}, 201); err != nil {
			return err
		}
	}
	return each(b.target, l.count(), func(c *client, i int) error {
		return put(c, top+l.file(i), contentOf(l.file(i), fileSize))
	})
}

// each does something for each number below n, over many connections at a time.
func each(t target, n int, do func(c *client, i int) error) error {
	errs := make([]error, fixtureClients)
	var wg sync.WaitGroup
	for worker := range fixtureClients {
		wg.Go(func() {
			c := newClient(t)
			defer c.close()
			for i := worker; i < n && errs[worker] == nil; i += fixtureClients {
				errs[worker] = do(c, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

const (
	officeUsers    = 8
	officeOthers   = 40       // documents nobody touches
	officeDocument = 24 << 10 // bytes
)

func officeName(user int) string { return fmt.Sprintf("office/report-%d.odt", user) }

// needOffice lays out one folder that all the users work in.
func needOffice(b *batch) error {
	return b.fixture("office", func() error {
		if _, err := b.one().ask(request{method: "MKCOL", path: "office/"}, 201); err != nil {
			return err
		}
		b.reports, b.saves = make([]content, officeUsers), make([]int, officeUsers)
		for i := range officeUsers + officeOthers {
			name := officeName(i)
			c := contentOf(name, officeDocument)
			if i < officeUsers {
				b.reports[i] = c
			}
			if err := put(b.one(), name, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// put creates a file.
func put(c *client, path string, what content) error {
	_, err := c.ask(request{method: "PUT", path: path, upload: what}, 201)
	return err
}

// get compares a whole file.
func get(c *client, path string, what content) error {
	v := &verifier{content: what}
	if _, err := c.stream(request{method: "GET", path: path}, v, 200); err != nil {
		return err
	}
	return complete(what, v.offset)
}

// remove deletes what a batch made, off the clock.
func remove(c *client, path string) error {
	_, err := c.ask(request{method: "DELETE", path: path}, 204)
	return err
}
