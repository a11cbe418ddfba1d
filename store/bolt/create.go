package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// newSuffix marks a database that is being made; a random number follows.
const newSuffix = ".new-"

// create makes an empty database under another name and gives it its own once
// it is whole and synced: a crash leaves nothing, or a database.
func create(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("create database: %w", err)
		}
	}()
	for _, journal := range journalNames(path) {
		if _, err := os.Stat(journal); err == nil {
			return fmt.Errorf("%s is gone, and its journal is there: put the database back, or remove %s to start anew", path, journal)
		}
	}
	dir, name := filepath.Split(path)
	file, err := os.CreateTemp(dir, name+newSuffix)
	if err != nil {
		return err
	}
	temp := file.Name()
	if err := file.Close(); err != nil {
		return err
	}
	o := writeOptions()
	o.InitialMmapSize = 0
	db, _, err := openFile(temp, o)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Sync(), db.Close(), publish(temp, path)); err != nil {
		return err
	}
	return sweep(filepath.Clean(dir), name)
}

// publish gives temp its final name. Of two processes that start at the same
// time only one can link, and the other has to use what it finds.
func publish(temp, path string) error {
	err := os.Link(temp, path)
	if _, statErr := os.Stat(path); err == nil || statErr == nil {
		return nil
	}
	return os.Rename(temp, path) // on a file system without links
}

// sweep removes what this and earlier attempts left, and makes the name durable.
func sweep(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), name+newSuffix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(filepath.Join(dir, name))
}

// syncDir makes the names beside a file durable.
func syncDir(path string) error {
	handle, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
