package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newMail(g *global) *cobra.Command {
	cmd := noun("mail", "letters of invitation to people without an account",
		newMailList(g),
		carries(g, &cobra.Command{Use: "retry NUMBER", Short: "try to send a letter at once"}, admin.RetryMail, numbered,
			func(p *printer, _ admin.None) { p.line("tried at once") }),
		carries(g, &cobra.Command{Use: "drop NUMBER", Short: "take a letter away unsent; who sent it sees that it was not delivered"}, admin.DropMail, numbered,
			func(p *printer, _ admin.None) { p.line("dropped") }),
	)
	cmd.Long = `letters of invitation to people without an account. they are sent by the mail
server of the settings:

  davit policy set mail-server=smtp.example.org:587 mail-from=calendar@example.org

the password of mail-user is what the variable DAVIT_MAIL_PASSWORD or the first line
of serve --mail-password-file has. a letter that is not taken is tried again for two
days; one that is refused for good ends at once.`
	return cmd
}

func newMailList(g *global) *cobra.Command {
	return carries(g, &cobra.Command{Use: "list", Short: "list the letters that wait, the oldest first"}, admin.ListMail, nothing,
		func(p *printer, m admin.Mail) {
			p.row("number", "to", "from", "what", "written", "next", "tries", "fault")
			for _, l := range m.Letters {
				p.row(strconv.FormatUint(l.Number, 10), l.To, l.From, l.Method, moment(&l.Written), moment(&l.After), strconv.Itoa(l.Tries), l.Fault)
			}
			if m.More {
				p.line("and more")
			}
		})
}

// numbered reads the number of a letter.
func numbered(args []string) (admin.LetterNumber, error) {
	n, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return admin.LetterNumber{}, &admin.Error{Kind: admin.Invalid, Text: "a letter has a number, and " + strconv.Quote(args[0]) + " is none", Hint: "davit mail list"}
	}
	return admin.LetterNumber{Number: n}, nil
}
