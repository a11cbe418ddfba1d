package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// passwordLineMax is how much of standard input a password may take, in bytes.
const passwordLineMax = 4096

// passwordOptions say where a password comes from. Arguments are no place for
// one: every user of the machine sees them.
type passwordOptions struct{ stdin bool }

func (o *passwordOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.stdin, "password-stdin", false, "read the password from the first line of standard input")
}

// read takes the password from standard input, or asks twice at the terminal.
func (o *passwordOptions) read(g *global, cmd *cobra.Command, who string) (string, error) {
	if o.stdin {
		return firstLine(g.in)
	}
	in, err := terminal(g, cmd)
	if err != nil {
		return "", err
	}
	first, err := ask(g.err, in, "password for "+who+": ")
	if err != nil {
		return "", err
	}
	again, err := ask(g.err, in, "once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

// once takes the password of an account that has one: from standard input, or asked
// for once at the terminal.
func (o *passwordOptions) once(g *global, cmd *cobra.Command, who string) (string, error) {
	if o.stdin {
		return firstLine(g.in)
	}
	in, err := terminal(g, cmd)
	if err != nil {
		return "", err
	}
	return ask(g.err, in, "password of "+who+": ")
}

// terminal is where to ask.
func terminal(g *global, cmd *cobra.Command) (*os.File, error) {
	in, ok := g.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, misused(cmd, "no terminal to ask for a password at; give it with --password-stdin")
	}
	return in, nil
}

// interactive tells whether somebody watches what is written.
func interactive(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func ask(prompt io.Writer, in *os.File, text string) (string, error) {
	fmt.Fprint(prompt, text)
	defer fmt.Fprintln(prompt)
	secret, err := term.ReadPassword(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(secret), nil
}

// each takes the passwords of accounts that have one: from the lines of standard
// input, in their order, or asked for at the terminal.
func (o *passwordOptions) each(g *global, cmd *cobra.Command, who ...string) ([]string, error) {
	secrets := make([]string, len(who))
	var lines *bufio.Reader
	if o.stdin {
		lines = bufio.NewReader(io.LimitReader(g.in, int64(len(who))*(passwordLineMax+1)))
	}
	for i := range who {
		var err error
		if lines != nil {
			secrets[i], err = passwordLine(lines)
		} else {
			secrets[i], err = o.once(g, cmd, who[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return secrets, nil
}

func firstLine(r io.Reader) (string, error) {
	return passwordLine(bufio.NewReader(io.LimitReader(r, passwordLineMax+1)))
}

func passwordLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	switch {
	case err != nil && err != io.EOF:
		return "", fmt.Errorf("read password: %w", err)
	case len(line) > passwordLineMax:
		return "", fmt.Errorf("the password on standard input is longer than %d bytes", passwordLineMax)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
