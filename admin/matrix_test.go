package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"davit/policy"
)

var firstSeed = flag.Uint64("admin.seed", 1, "seed of the random tests")

// sheet is a table as CSV.
func (t *Table) sheet() string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(append([]string{corner}, t.Spaces...))
	for _, r := range t.Rows {
		line := []string{r.User}
		for i := range r.Levels {
			line = append(line, r.Text(i))
		}
		w.Write(line)
	}
	w.Flush()
	return b.String()
}

// TestMatrixRoundTrip changes random cells of what was exported: either all of
// them are there afterwards and the file applied again changes nothing, or a cell
// is named and nothing has changed.
func TestMatrixRoundTrip(t *testing.T) {
	ctx := context.Background()
	a := newStaffed(t)
	if _, err := AddSpace.Do(ctx, a, NewSpace{Name: "Room", Kind: policy.Room, Owner: "ann"}); err != nil {
		t.Fatal(err)
	}
	a.testUser(t, "gus", policy.Guest)
	rng := rand.New(rand.NewPCG(*firstSeed, 0))
	export := func() Table {
		table, err := Matrix.Do(ctx, a, Selection{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range table.Rows {
			if r := &table.Rows[i]; r.Pinned == nil {
				r.Pinned = make([]bool, len(r.Levels))
			}
		}
		return table
	}
	var applied, refused, pinned int
	for range 120 {
		want := export()
		for range 1 + rng.IntN(3) {
			r := &want.Rows[rng.IntN(len(want.Rows))]
			i := rng.IntN(len(r.Levels))
			r.Levels[i], r.Pinned[i] = levelNames[rng.IntN(len(levelNames))], rng.IntN(4) == 0
		}
		before := a.st.Policy()
		if _, err := ApplyMatrix.Do(ctx, a, Sheet{CSV: want.sheet()}); err != nil {
			if refused++; a.st.Policy() != before || !strings.Contains(err.Error(), ": row ") {
				t.Fatalf("seed %d: %v, and the policy changed: %v", *firstSeed, err, a.st.Policy() != before)
			}
			continue
		}
		applied++
		got := export()
		for i := range want.Rows {
			for j := range want.Spaces {
				if got.Rows[i].Pinned[j] && !want.Rows[i].Pinned[j] {
					want.Rows[i].Pinned[j] = true // where groups give more
					pinned++
				}
			}
		}
		if got.sheet() != want.sheet() {
			t.Fatalf("seed %d: applied\n%s\nand exported\n%s", *firstSeed, want.sheet(), got.sheet())
		}
		again, err := ApplyMatrix.Do(ctx, a, Sheet{CSV: got.sheet()})
		if err != nil || len(again.Cells) > 0 {
			t.Fatalf("seed %d: applied again: %+v, %v", *firstSeed, again, err)
		}
	}
	t.Logf("seed %d: %d applied, %d refused, %d pinned unasked", *firstSeed, applied, refused, pinned)
	if applied < 20 || refused < 20 || pinned < 5 {
		t.Error("these sheets are blind")
	}
}

func TestSheetLimits(t *testing.T) {
	a := newStaffed(t)
	wide := "user,Team\n" + strings.Repeat("mia,viewer\n", 1+sheetMax/len("mia,viewer\n"))
	if _, err := a.ApplyMatrix(context.Background(), Sheet{CSV: wide}); kindOf(err) != Invalid || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a file that is too long: %v", err)
	}
	bom := Sheet{CSV: "\ufeffuser,Team\r\nann,viewer\r\n"}
	if done, err := a.ApplyMatrix(context.Background(), bom); err != nil || len(done.Cells) != 1 {
		t.Errorf("a file of a spreadsheet: %+v, %v", done, err)
	}
}

// BenchmarkMatrixServed exports 1,000 users by 1,000 spaces through the control
// socket of a running server.
func BenchmarkMatrixServed(b *testing.B) {
	const side = 1000
	ctx, stop := context.WithCancel(context.Background())
	dir := b.TempDir()
	a := openAdmin(b, dir)
	l, err := Listen(dir)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l, quiet) }()
	defer func() {
		stop()
		<-done
	}()
	var adding sync.WaitGroup
	for worker := range 32 {
		adding.Go(func() {
			for i := worker; i < side; i += 32 {
				_, err := a.op.AddUser(ctx, policy.User{Name: fmt.Sprintf("user%d", i), Type: policy.Guest}, "")
				if err == nil {
					_, err = a.op.AddSpace(ctx, policy.Space{Name: fmt.Sprintf("space%d", i), Kind: policy.GroupFolder, Quota: policy.NoLimit})
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	adding.Wait()
	client, err := Dial(ctx, dir)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		table, err := Matrix.Do(ctx, client, Selection{})
		if err != nil || len(table.Rows) != side || len(table.Rows[0].Levels) != side {
			b.Fatalf("%d rows, %v", len(table.Rows), err)
		}
		b.SetBytes(int64(len(table.sheet())))
	}
}
