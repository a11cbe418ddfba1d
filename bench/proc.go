package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc, which Linux fixes at 100 Hz for
// user space on every architecture Go supports.
const clockTick = 10 * time.Millisecond

// cpuTime is what the process has used so far, in user and kernel mode.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(stat)
}

// parseStat reads utime and stime, fields 14 and 15 of proc(5). The command name
// before them may hold spaces and parentheses; the last ")" ends it.
func parseStat(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime = 14 - 3, 15 - 3 // field 3 is the first after the name
	if len(fields) <= stime {
		return 0, errors.New("process status is too short")
	}
	user, err := strconv.ParseInt(string(fields[utime]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("process status: %w", err)
	}
	system, err := strconv.ParseInt(string(fields[stime]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("process status: %w", err)
	}
	return time.Duration(user+system) * clockTick, nil
}

// residentMemory is what the process holds in memory now, in bytes.
func residentMemory(pid int) (int64, error) { return memory(pid, "VmRSS") }

// peakMemory is the most it has ever held, in bytes.
func peakMemory(pid int) (int64, error) { return memory(pid, "VmHWM") }

// ownMemory is what it holds now besides files that are mapped, whose pages the
// system takes back when it needs them; in bytes.
func ownMemory(pid int) (int64, error) { return memory(pid, "RssAnon") }

func memory(pid int, field string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseStatus(status, field)
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
