package text

import (
	"fmt"
	"strings"

	"davit/policy"
)

// faultsMax is how many faults are told; the rest is counted.
const faultsMax = 20

// Faults are what is wrong with a text, line by line.
type Faults struct {
	told []string
	more int
}

// Add notes a fault in a line; 0 stands for no line of its own.
func (f *Faults) Add(line int, format string, a ...any) {
	if len(f.told) == faultsMax {
		f.more++
		return
	}
	fault := fmt.Sprintf(format, a...)
	if line > 0 {
		fault = fmt.Sprintf("line %d: %s", line, fault)
	}
	f.told = append(f.told, fault)
}

// note is Add for an error, which may be none.
func (f *Faults) note(line int, err error) {
	if err != nil {
		f.Add(line, "%s", strings.TrimSuffix(err.Error(), ": "+policy.ErrInvalid.Error()))
	}
}

// Err is the faults as an error, nil when there are none.
func (f *Faults) Err() error {
	if len(f.told) == 0 {
		return nil
	}
	return f
}

// Error is one fault a line.
func (f *Faults) Error() string {
	lines := f.told
	if f.more > 0 {
		lines = append(lines[:len(lines):len(lines)], fmt.Sprintf("and %d more", f.more))
	}
	return strings.Join(lines, "\n")
}

// clip shortens what is too long to be shown.
func clip(text string) string {
	const shown = 80
	if len(text) <= shown {
		return text
	}
	return strings.ToValidUTF8(text[:shown], "") + "..."
}
