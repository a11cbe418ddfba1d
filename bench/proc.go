package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc, which Linux fixes at 100 Hz for
// user space on every architecture Go supports.
const clockTick = 10 * time.Millisecond

// cpuTime is what the process and those that descend from it have used so far,
// in user and kernel mode.
func cpuTime(pid int) (sum time.Duration, err error) {
	err = eachStat(pid, func(st stat) { sum += st.cpu })
	return sum, err
}

// A stat is what /proc tells of one process.
type stat struct {
	pid, parent int
	cpu         time.Duration
}

// eachStat calls fn for a process and for each that descends from it. It reads
// the parents from the whole list, since not every kernel lists children.
func eachStat(pid int, fn func(stat)) error {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	children := map[int][]stat{}
	found := false
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		st, err := parseStat(text)
		if err != nil {
			return err
		}
		if st.pid == pid {
			found = true
			fn(st)
		}
		children[st.parent] = append(children[st.parent], st)
	}
	if !found {
		return fmt.Errorf("no process %d", pid)
	}
	for next := []int{pid}; len(next) > 0; {
		below := children[next[0]]
		next = next[1:]
		for _, st := range below {
			fn(st)
			next = append(next, st.pid)
		}
	}
	return nil
}

// parseStat reads pid, ppid, utime and stime, fields 1, 4, 14 and 15 of proc(5).
// The command name in field 2 may hold spaces and parentheses; the last ")" ends
// it.
func parseStat(text []byte) (st stat, err error) {
	front, _, _ := bytes.Cut(text, []byte(" "))
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const ppid, utime, stime = 4 - 3, 14 - 3, 15 - 3 // field 3 is the first after the name
	if len(fields) <= stime {
		return st, errors.New("process status is too short")
	}
	var user, system int
	for _, part := range []struct {
		text []byte
		into *int
	}{{front, &st.pid}, {fields[ppid], &st.parent}, {fields[utime], &user}, {fields[stime], &system}} {
		if *part.into, err = strconv.Atoi(string(part.text)); err != nil {
			return st, fmt.Errorf("process status: %w", err)
		}
	}
	st.cpu = time.Duration(user+system) * clockTick
	return st, nil
}

// residentMemory is what the process and those that descend from it hold in
// memory now, in bytes; what they share counts for each.
func residentMemory(pid int) (int64, error) { return memory(pid, "VmRSS") }

// peakMemory is the most that each has ever held, in bytes.
func peakMemory(pid int) (int64, error) { return memory(pid, "VmHWM") }

// ownMemory is what they hold now besides files that are mapped, whose pages the
// system takes back when it needs them; in bytes.
func ownMemory(pid int) (int64, error) { return memory(pid, "RssAnon") }

func memory(pid int, field string) (sum int64, err error) {
	var failed error
	err = eachStat(pid, func(st stat) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", st.pid))
		if err == nil {
			var n int64
			n, err = parseStatus(status, field)
			sum += n
		}
		failed = errors.Join(failed, err)
	})
	return sum, errors.Join(err, failed)
}

// parseStatus reads a line such as "VmHWM:    1234 kB".
func parseStatus(status []byte, field string) (int64, error) {
	for line := range bytes.Lines(status) {
		words := bytes.Fields(line)
		if len(words) == 3 && string(words[0]) == field+":" && string(words[2]) == "kB" {
			n, err := strconv.ParseInt(string(words[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("process status has no %s", field)
}
