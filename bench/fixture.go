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

func treeName(i int) string { return fmt.Sprintf("file-%05d.txt", i) }

// needTree lays out one folder of many files: on the disk where the server
// serves plain files, by PUT where it does not.
func needTree(b *batch) error {
	return b.fixture("tree", func() error {
		b.tree = "tree/"
		if b.files == "" {
			return b.putTree()
		}
		dir := filepath.Join(b.files, "tree")
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		for i := range b.scale.treeFiles {
			name := treeName(i)
			if err := os.WriteFile(filepath.Join(dir, name), contentOf(name, fileSize).bytes(), 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *batch) putTree() error {
	if _, err := b.one().ask(request{method: "MKCOL", path: b.tree}, 201); err != nil {
		return err
	}
	errs := make([]error, fixtureClients)
	var wg sync.WaitGroup
	for worker := range fixtureClients {
		wg.Go(func() {
			c := newClient(b.target)
			defer c.close()
			for i := worker; i < b.scale.treeFiles && errs[worker] == nil; i += fixtureClients {
				errs[worker] = put(c, b.tree+treeName(i), contentOf(treeName(i), fileSize))
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
