package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 900 0 3 0 125 75 9 9 20 0 8 0 100 1000 200 18446744073709551615"
	if got, err := parseStat([]byte(stat)); got != 2*time.Second || err != nil {
		t.Errorf("got %v, %v", got, err)
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
