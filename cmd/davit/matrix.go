package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newMatrix(g *global) *cobra.Command {
	var a asking
	var sel admin.Selection
	var asCSV bool
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "show the effective level of every user in every space",
		Long: `show the effective level of every user in every space, personal drives left
out. a cell that ends in ! is pinned: there only the user's own level counts. the
column SPACE/messages tells who uses the message area of the space.`,
		Example: "  davit matrix --space 'fin*'\n  davit matrix --csv > levels.csv",
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&sel.Spaces, "space", "", "`pattern` of space names, with * and ?")
	cmd.Flags().StringVar(&sel.Users, "user", "", "`pattern` of user names, with * and ?")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	read := func([]string) (_ admin.Selection, err error) {
		sel.Standpoint, err = a.client(cmd)
		return sel, err
	}
	carries(g, cmd, admin.Matrix, read, func(p *printer, t admin.Table) {
		if asCSV {
			p.err = writeSheet(g.out, t)
			return
		}
		p.row(heads(t)...)
		for _, r := range t.Rows {
			p.row(cells(r)...)
		}
	})
	cmd.AddCommand(newMatrixApply(g))
	return cmd
}

// writeSheet writes a matrix as matrix apply reads it.
func writeSheet(out io.Writer, t admin.Table) error {
	buffered := bufio.NewWriter(out)
	w := csv.NewWriter(buffered)
	w.Write(heads(t))
	for _, r := range t.Rows {
		w.Write(cells(r))
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return buffered.Flush()
}

// heads are those of the columns: for each space its levels, then its messages.
func heads(t admin.Table) []string {
	out := make([]string, 1, 2*len(t.Spaces)+1)
	out[0] = "user"
	for _, space := range t.Spaces {
		out = append(out, space, admin.MessagesHead(space))
	}
	return out
}

func cells(r admin.Row) []string {
	out := make([]string, 1, 2*len(r.Levels)+1)
	out[0] = r.User
	for i := range r.Levels {
		out = append(out, r.Text(i), r.MessagesText(i))
	}
	return out
}

func newMatrixApply(g *global) *cobra.Command {
	var a asking
	var dry bool
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "make the levels of a file of davit matrix --csv true: all of them or none",
		Long: `make the levels of a file of davit matrix --csv true: all of them or none. each
cell that differs from what it is now becomes the user's own level in the space,
pinned where groups give more. the file may hold some of the users and columns
only; without a column SPACE/messages the messages follow the level. - is
standard input.`,
		Example: `  davit matrix apply levels.csv --dry-run
  davit matrix apply levels.csv`,
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what the file would change, and change nothing")
	read := func(args []string) (s admin.Sheet, err error) {
		if s.Standpoint, err = a.client(cmd); err != nil {
			return s, err
		}
		if dry {
			g.foretells = &s.Class
		}
		s.CSV, err = g.file(args[0])
		return s, err
	}
	return carries(g, cmd, admin.ApplyMatrix, read, func(p *printer, done admin.SheetApplied) {
		for _, c := range done.Cells {
			p.line("%s in %s: %s, was %s", c.User, c.Space, c.After, c.Before)
		}
		p.line("%s changed", counted(len(done.Cells), "cell"))
	})
}

// fileMax is the longest file that is sent to the server, in bytes.
const fileMax = 32 << 20

// file reads a file of the command line, or standard input for "-".
func (g *global) file(name string) (string, error) {
	in := g.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, fileMax+1))
	if err == nil && len(text) > fileMax {
		err = fmt.Errorf("%s has more than %d bytes", name, fileMax)
	}
	return string(text), err
}
