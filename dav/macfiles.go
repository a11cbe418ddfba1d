package dav

import (
	"fmt"
	"slices"
	"strings"

	"davit/dav/wire"
	"davit/store"
)

// MacFiles says what becomes of the files that macOS leaves beside people's own,
// such as "._plan.txt" and ".DS_Store".
type MacFiles string

// The ways with such files. Those that are there already can be read and deleted
// by their name in each of them.
const (
	MacKept    MacFiles = "kept"    // files like any other, as is the zero value
	MacHidden  MacFiles = "hidden"  // written and read by name, and in no listing
	MacRefused MacFiles = "refused" // 403 to whoever makes or writes one, before the body is read
)

// ParseMacFiles reads a way as people write it.
func ParseMacFiles(text string) (MacFiles, error) {
	way := MacFiles(text)
	if !slices.Contains([]MacFiles{MacKept, MacHidden, MacRefused}, way) {
		return "", fmt.Errorf("no way with the files of macOS %q (write kept, hidden or refused)", text)
	}
	return way, nil
}

// macNames are names that macOS gives to files and folders of its own, beside all
// that begin with macPrefix, which hold what a file's attributes need.
var macNames = []string{
	".DS_Store", ".Spotlight-V100", ".TemporaryItems", ".Trashes", ".VolumeIcon.icns", ".apdisk",
	".fseventsd", ".hidden", ".localized", ".metadata_never_index", ".metadata_never_index_unless_rootfs", ".ql_disablethumbnails",
}

const macPrefix = "._"

func isMacFile(name string) bool {
	return strings.HasPrefix(name, macPrefix) || slices.Contains(macNames, name)
}

// refuseMacFile stops what would make or write such a file where none is wanted.
// Nothing is looked up and nobody is told: macOS tries again and again.
func (rq *request) refuseMacFile() error {
	if rq.h.macFiles != MacRefused || rq.kind != kindItem {
		return nil
	}
	var at wire.Path
	switch rq.r.Method {
	case "PUT", "MKCOL", "LOCK":
		at = rq.url
	case "COPY", "MOVE":
		// A Destination that cannot be read is the method's to answer.
		at, _ = wire.ParseDestination(rq.r.Header.Get("Destination"), rq.r.Host, rq.mount.prefix)
	}
	if len(at) > 0 && isMacFile(at[len(at)-1]) {
		return errMacFile
	}
	return nil
}

// withoutMacFiles takes what no listing shows out of a page of entries.
func (rq *request) withoutMacFiles(infos []store.Info) []store.Info {
	return slices.DeleteFunc(infos, func(info store.Info) bool { return rq.hides(info.Name) })
}

// hides tells whether no listing shows what has that name.
func (rq *request) hides(name string) bool { return rq.h.macFiles == MacHidden && isMacFile(name) }
