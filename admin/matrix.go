package admin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// Operations on the levels of many users in many spaces at once.
var (
	Matrix      = define("matrix", admins, (*Admin).Matrix)
	ApplyMatrix = change("matrix.apply", (*Admin).ApplyMatrix)
)

// A Selection chooses rows and columns by patterns such as "fin*"; an empty one
// takes all.
type Selection struct {
	Users  string `json:"users,omitempty"`
	Spaces string `json:"spaces,omitempty"`
	Standpoint
}

// A Table is the effective level of every user in every space.
type Table struct {
	Epoch  uint64   `json:"epoch"` // of the policy it was looked up in
	Spaces []string `json:"spaces"`
	Rows   []Row    `json:"rows"`
}

// A Row holds one user's cells, in the order of the spaces.
type Row struct {
	User   string   `json:"user"`
	Levels []string `json:"levels"`
	Pinned []bool   `json:"pinned,omitempty"` // absent where no cell is
	// Messages tells who uses the message area; absent where no cell does.
	Messages []bool `json:"messages,omitempty"`
}

// MessagesHead is the head of the column that tells who uses the messages of a
// space: no name of a space has a slash.
func MessagesHead(space string) string { return space + messagesHead }

// MessagesText is what stands in that column.
func (r *Row) MessagesText(i int) string { return messagesText(r.Messages != nil && r.Messages[i]) }

const messagesHead = "/messages"

func messagesText(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// Text is a cell as sheets write it.
func (r *Row) Text(i int) string {
	return cellText(policy.Cell{Level: r.Levels[i], Pinned: r.Pinned != nil && r.Pinned[i]})
}

// cellsMax bounds one matrix.
const cellsMax = 4 << 20

// Matrix tells users by spaces, personal drives left out.
func (a *Admin) Matrix(_ context.Context, sel Selection) (Table, error) {
	for _, pattern := range []string{sel.Users, sel.Spaces} {
		if _, err := path.Match(pattern, ""); err != nil {
			return Table{}, invalid("write names with * and ?", "pattern %q: %v", pattern, err)
		}
	}
	state := a.st.Policy()
	t := Table{Epoch: state.Epoch, Spaces: []string{}, Rows: []Row{}}
	var users, spaces []policy.ID
	for _, sp := range state.Spaces() {
		if sp.Kind != policy.Personal && matches(sel.Spaces, sp.Name) {
			t.Spaces, spaces = append(t.Spaces, sp.Name), append(spaces, sp.ID)
		}
	}
	for _, u := range state.Users() {
		if matches(sel.Users, u.Name) {
			t.Rows, users = append(t.Rows, Row{User: u.Name}), append(users, u.ID)
		}
	}
	if len(users)*len(spaces) > cellsMax {
		return Table{}, invalid("--space GLOB --user GLOB", "%d users by %d spaces are too many cells at once; choose some", len(users), len(spaces))
	}
	for i, row := range state.Matrix(a.using(&policy.User{}, sel.Standpoint), users, spaces) {
		t.Rows[i].fill(row)
	}
	return t, nil
}

func (r *Row) fill(cells []policy.Cell) {
	r.Levels = make([]string, len(cells))
	mark := func(marks *[]bool, i int) {
		if *marks == nil {
			*marks = make([]bool, len(cells))
		}
		(*marks)[i] = true
	}
	for i, c := range cells {
		r.Levels[i] = c.Level
		if c.Pinned {
			mark(&r.Pinned, i)
		}
		if c.Messages {
			mark(&r.Messages, i)
		}
	}
}

func matches(pattern, name string) bool {
	ok, err := path.Match(policy.Fold(pattern), policy.Fold(name))
	return pattern == "" || ok && err == nil
}

// A Sheet is a matrix as CSV: spaces in the first line, a user at the beginning
// of each other one, and levels, with a ! where the user is to be pinned. A column
// headed SPACE/messages says yes or no; without one messages follow the level.
type Sheet struct {
	CSV string `json:"csv"`
	Standpoint
}

// bytesMax is what a sheet takes on the control socket, as JSON writes it.
func (Sheet) bytesMax() int64 { return 2*sheetMax + bodyMax }

// Limits of a sheet.
const (
	sheetMax   = 32 << 20 // bytes
	changesMax = 10_000   // cells that one sheet changes
)

// corner is what stands above the users.
const corner = "user"

// pinMark ends the level of a pinned cell.
const pinMark = "!"

// A SheetApplied tells what a sheet has changed.
type SheetApplied struct {
	Cells []CellChanged `json:"cells"`
}

// A CellChanged is one cell before and after.
type CellChanged struct {
	User   string `json:"user"`
	Space  string `json:"space"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// appliesMax is how often a sheet is read anew because somebody has changed the
// policy meanwhile.
const appliesMax = 5

// ApplyMatrix makes the cells of a sheet true: all of them or none. A cell that
// differs becomes the user's own level, pinned where groups give more.
func (a *Admin) ApplyMatrix(ctx context.Context, s Sheet) (SheetApplied, error) {
	for range appliesMax {
		state := a.st.Policy()
		if a.epoch != 0 && a.epoch != state.Epoch {
			return SheetApplied{}, fmt.Errorf("%w: it is of epoch %d now and was looked at in epoch %d", store.ErrEpoch, state.Epoch, a.epoch)
		}
		r := sheetReader{state: state, sub: a.using(&policy.User{}, s.Standpoint), applied: SheetApplied{Cells: []CellChanged{}}}
		if err := r.read(s.CSV); err != nil {
			return SheetApplied{}, err
		}
		// The sheet is read before the transaction, which a large one would hold up.
		err := a.op.Since(state.Epoch).Change(ctx, func(*policy.State) ([]policy.Change, error) { return r.changes, nil })
		var refusal *policy.ChangeError
		switch {
		case errors.Is(err, store.ErrEpoch) && a.epoch == 0:
			continue
		case errors.As(err, &refusal) && refusal.Index < len(r.cells):
			return SheetApplied{}, r.refused(r.cells[refusal.Index], tell(refusal))
		}
		return r.applied, err
	}
	return SheetApplied{}, conflict("try again", "the policy is being changed by others all the time")
}

// sheetReader compares a sheet with a policy.
type sheetReader struct {
	state *policy.State
	sub   policy.Subject

	columns []sheetColumn
	users   map[policy.ID]bool
	changes []policy.Change
	cells   []sheetCell // of the changes
	applied SheetApplied
}

// A sheetColumn is what a column of a sheet is about.
type sheetColumn struct {
	space    policy.ID
	messages bool // or else levels
	head     string
}

// A sheetCell is where a cell stands in the file and what it is of.
type sheetCell struct {
	line, column int
	user, space  string
}

func (r *sheetReader) refused(c sheetCell, why error) *Error {
	told := &Error{Kind: Invalid, Text: why.Error()}
	errors.As(why, &told)
	e := invalid(told.Hint, "line %d, column %d: row %s, column %s: %s", c.line, c.column, c.user, c.space, told.Text)
	e.Kind = told.Kind
	return e
}

func (r *sheetReader) read(text string) error {
	if len(text) > sheetMax {
		return invalid("apply it in parts", "the file has more than %d bytes", sheetMax)
	}
	const byteOrderMark = "\ufeff" // spreadsheets begin with one
	lines := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, byteOrderMark)))
	lines.ReuseRecord = true
	head, err := lines.Read()
	if err == nil {
		err = r.head(head)
	} else if errors.Is(err, io.EOF) {
		return invalid("davit matrix --csv writes one", "the file is empty")
	}
	for n := 0; err == nil; n += len(r.columns) {
		if n > cellsMax {
			return invalid("apply it in parts", "the file has more than %d cells", cellsMax)
		}
		var fields []string
		if fields, err = lines.Read(); err == nil {
			err = r.row(lines, fields)
		}
	}
	var wrong *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &wrong):
		return invalid("as many fields in every line as in the first, in quotes where they hold any", "line %d, column %d: %v", wrong.Line, wrong.Column, wrong.Err)
	}
	return err
}

func (r *sheetReader) head(fields []string) error {
	r.users = map[policy.ID]bool{}
	if fields[0] != corner {
		return invalid("davit matrix --csv writes one", "line 1, column 1: the first line is %q and the names of spaces, not %q", corner, clip(fields[0]))
	}
	for i, name := range fields[1:] {
		of, messages := strings.CutSuffix(name, messagesHead)
		sp := r.state.SpaceNamed(of)
		if sp == nil {
			return notFound("davit space list", "line 1, column %d: no space %q", i+2, clip(of))
		}
		c := sheetColumn{sp.ID, messages, sp.Name}
		if messages {
			c.head = MessagesHead(sp.Name)
		}
		if slices.Contains(r.columns, c) {
			return invalid("", "line 1, column %d: space %s stands there twice", i+2, c.head)
		}
		r.columns = append(r.columns, c)
	}
	return nil
}

func (r *sheetReader) row(lines *csv.Reader, fields []string) error {
	u := r.state.UserNamed(fields[0])
	line, _ := lines.FieldPos(0)
	switch {
	case u == nil:
		return notFound("davit user list", "line %d, column 1: no user %q", line, clip(fields[0]))
	case r.users[u.ID]:
		return invalid("", "line %d, column 1: user %s stands there twice", line, u.Name)
	}
	r.users[u.ID] = true
	r.sub.User = u.ID
	spaces := make([]policy.ID, len(r.columns))
	for i, c := range r.columns {
		spaces[i] = c.space
	}
	row := r.state.Matrix(r.sub, []policy.ID{u.ID}, spaces)[0]
	cellAt := func(i int) sheetCell {
		c := sheetCell{user: u.Name, space: r.columns[i].head, column: i + 2}
		c.line, _ = lines.FieldPos(i + 1)
		return c
	}
	levelled := map[policy.ID]*policy.State{} // what the levels of the row make of the policy
	for i, is := range row {
		if text := fields[i+1]; !r.columns[i].messages && text != cellText(is) {
			next, err := r.cell(cellAt(i), spaces[i], is, text)
			if err != nil {
				return err
			}
			levelled[spaces[i]] = next
		}
	}
	for i := range row {
		if r.columns[i].messages {
			if err := r.messages(cellAt(i), spaces[i], levelled[spaces[i]], fields[i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// messages plans what makes one cell of messages true once the levels are: state
// is the policy that they make, nil for that of now.
func (r *sheetReader) messages(c sheetCell, space policy.ID, state *policy.State, text string) error {
	if text != messagesText(true) && text != messagesText(false) {
		return r.refused(c, invalid("", "%q is neither yes nor no", clip(text)))
	}
	if state == nil {
		state = r.state
	}
	on := text == messagesText(true)
	change, reason := state.MessagesChange(r.sub, space, on)
	switch {
	case reason != "":
		return r.refused(c, refused("", "cannot be %s: %s", text, reason))
	case change == nil:
		return nil
	}
	return r.plan(c, change, messagesText(!on), text)
}

// cell plans what makes the level of one cell true, and tells the policy that there
// would be; nil when that is the one of now.
func (r *sheetReader) cell(c sheetCell, space policy.ID, is policy.Cell, text string) (*policy.State, error) {
	level, pinned := strings.CutSuffix(text, pinMark)
	if !slices.Contains(levelNames, level) {
		return nil, r.refused(c, invalid("levels: "+strings.Join(levelNames, " "), "no level %q", clip(text)))
	}
	change, reason := r.state.CellChange(r.sub, space, policy.Cell{Level: level, Pinned: pinned})
	switch {
	case reason != "":
		return nil, r.refused(c, refused("", "cannot be %s: %s", text, reason))
	case change == nil:
		return nil, nil
	}
	next, _, err := r.state.Apply(change)
	if err != nil {
		return nil, r.refused(c, tell(err))
	}
	return next, r.plan(c, change, cellText(is), text)
}

// plan takes in the change of one cell.
func (r *sheetReader) plan(c sheetCell, change policy.Change, before, after string) error {
	if len(r.changes) == changesMax {
		return invalid("apply it in parts", "the file changes more than %d cells", changesMax)
	}
	r.changes = append(r.changes, change)
	r.cells = append(r.cells, c)
	r.applied.Cells = append(r.applied.Cells, CellChanged{c.user, c.space, before, after})
	return nil
}

// cellText is a cell as sheets write it.
func cellText(c policy.Cell) string {
	if c.Pinned {
		return c.Level + pinMark
	}
	return c.Level
}

var levelNames = policy.LevelNames()
