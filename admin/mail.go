package admin

import (
	"context"
	"time"
)

// Operations on the letters that wait to be sent to people outside. Who gets which is
// nobody's business but of who runs the server.
var (
	ListMail  = define("mail.list", operators[None], (*Admin).ListMail)
	RetryMail = define("mail.retry", operators[LetterNumber], (*Admin).RetryMail)
	DropMail  = define("mail.drop", operators[LetterNumber], (*Admin).DropMail)
)

// A Mail is the letters that wait, the oldest first.
type Mail struct {
	Letters []Letter `json:"letters"`
	More    bool     `json:"more,omitempty"` // these are not all
}

// A Letter is a message of scheduling that waits to be sent.
type Letter struct {
	Number  uint64    `json:"number"`
	From    string    `json:"from"` // mail addresses
	To      string    `json:"to"`
	Method  string    `json:"method"` // REQUEST, REPLY or CANCEL
	Written time.Time `json:"written"`
	After   time.Time `json:"after"` // when it is tried
	Tries   int       `json:"tries"`
	Fault   string    `json:"fault,omitempty"` // of the last try
}

// A LetterNumber names a letter.
type LetterNumber struct {
	Number uint64 `json:"number"`
}

// ListMail tells which letters wait. What they say is not told.
func (a *Admin) ListMail(context.Context, None) (Mail, error) {
	letters, more, err := a.op.Letters()
	m := Mail{Letters: []Letter{}, More: more}
	for i := range letters {
		l := &letters[i]
		m.Letters = append(m.Letters, Letter{Number: l.Number, From: l.From, To: l.To, Method: l.Method, Written: l.Written, After: l.After, Tries: l.Tries, Fault: l.Fault})
	}
	return m, err
}

// RetryMail has a letter sent at once.
func (a *Admin) RetryMail(ctx context.Context, n LetterNumber) (None, error) {
	return None{}, a.op.RetryLetter(ctx, n.Number)
}

// DropMail takes a letter away unsent: its sender sees that it was not delivered.
func (a *Admin) DropMail(ctx context.Context, n LetterNumber) (None, error) {
	return None{}, a.op.LetterRefused(ctx, n.Number, "dropped by the operator")
}
