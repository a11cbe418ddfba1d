package main

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const text = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 900 0 3 0 125 75 9 9 20 0 8 0 100 1000 200 18446744073709551615"
	if got, err := parseStat([]byte(text)); got.cpu != 2*time.Second || got.pid != 4711 || got.parent != 1 || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2 3", "1 (x) S 1 1 1 0 -1 1 1 0 3 0 x 75 9", "1 (x) S 1 1 1 0 -1 1 1 0 3 0 7 x 9"} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tdavit\nVmHWMx:\t   1 kB\nVmHWM:\t   2048 kB\nThreads:\t8\n"
	if got, err := parseStatus([]byte(status), "VmHWM"); got != 2<<20 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := parseStatus([]byte(status), "VmRSS"); err == nil {
		t.Errorf("a missing field gives %d", got)
	}
}

// TestFamily counts the work of a process that this one has started.
func TestFamily(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { child.Process.Kill(); child.Wait() }()
	seen := map[int]bool{}
	if err := eachStat(os.Getpid(), func(st stat) { seen[st.pid] = true }); err != nil {
		t.Fatal(err)
	}
	if !seen[os.Getpid()] || !seen[child.Process.Pid] || seen[os.Getppid()] {
		t.Errorf("the family of %d is %v, its child is %d", os.Getpid(), seen, child.Process.Pid)
	}
	if err := eachStat(-1, func(stat) {}); err == nil {
		t.Error("a process that is not there has a family")
	}
}

func TestOwnProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	now, err := residentMemory(os.Getpid())
	if err != nil || now == 0 {
		t.Errorf("%d, %v", now, err)
	}
	if peak, err := peakMemory(os.Getpid()); err != nil || peak == 0 {
		t.Errorf("%d, %v", peak, err)
	}
}
