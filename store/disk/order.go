package disk

import (
	"fmt"
	"maps"
	"path"
	"slices"
)

// Order reads a record of one client's work (of several at once, one's commit
// comes between another's steps) and returns how it breaks the rules that make
// a commit safe, nothing if it keeps them:
//
//   - before a Commit, each file renamed into place since the last one was
//     synced after its last write and before its rename, and its new directory
//     was synced after the rename;
//   - before a Commit, the parent of each new directory was synced;
//   - each rename is followed by a Commit: else the one that refers to the file
//     came too early;
//   - no file is written to once it has its final name;
//   - files are created in the directory temp only.
func Order(ops []Op, temp string) (problems []string) {
	o := &order{
		temp:        temp,
		unsynced:    map[string]bool{},
		placed:      map[string]string{},
		unnamed:     map[string]bool{},
		uncommitted: map[string]bool{},
	}
	for i, op := range ops {
		o.at = i + 1
		o.see(op)
	}
	for _, name := range slices.Sorted(maps.Keys(o.uncommitted)) {
		o.problem("the record ends without a commit after the rename to %s", name)
	}
	return o.problems
}

type order struct {
	temp        string
	at          int               // number of the operation, from 1
	unsynced    map[string]bool   // temporary files, true while content is not durable
	placed      map[string]string // temporary name to final name
	unnamed     map[string]bool   // final names and new directories not durable yet
	uncommitted map[string]bool   // final names since the last commit
	problems    []string
}

func (o *order) see(op Op) {
	switch op.Kind {
	case Create:
		if path.Dir(op.Name) != o.temp {
			o.problem("%s is created outside %s", op.Name, o.temp)
		}
		o.unsynced[op.Name] = true
		delete(o.placed, op.Name)
	case Write:
		if final, ok := o.placed[op.Name]; ok {
			o.problem("%s is written to after its rename", final)
		}
		o.unsynced[op.Name] = true
	case Sync:
		o.unsynced[op.Name] = false
	case Rename:
		// Content nobody saw synced is not durable, also when nobody saw it made.
		if unsynced, known := o.unsynced[op.Name]; unsynced || !known {
			o.problem("%s is renamed before its content is synced", op.To)
		}
		delete(o.unsynced, op.Name)
		o.placed[op.Name] = op.To
		o.unnamed[op.To] = true
		o.uncommitted[op.To] = true
	case Mkdir:
		o.unnamed[op.Name] = true
	case SyncDir:
		maps.DeleteFunc(o.unnamed, func(name string, _ bool) bool { return path.Dir(name) == op.Name })
	case Remove:
		delete(o.unnamed, op.Name)
		delete(o.unsynced, op.Name)
		delete(o.uncommitted, op.Name)
	case Commit:
		for _, name := range slices.Sorted(maps.Keys(o.unnamed)) {
			o.problem("commit before %s is synced, which names %s", path.Dir(name), path.Base(name))
		}
		clear(o.unnamed)
		clear(o.uncommitted)
	}
}

func (o *order) problem(format string, args ...any) {
	o.problems = append(o.problems, fmt.Sprintf("operation %d: ", o.at)+fmt.Sprintf(format, args...))
}
