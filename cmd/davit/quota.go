package main

import (
	"github.com/spf13/cobra"

	"davit/admin"
)

func newQuota(g *global) *cobra.Command {
	return noun("quota", "size limits of spaces, drives and folders",
		carries(g, &cobra.Command{
			Use:   "set PATH LIMIT",
			Short: "limit what a space, drive or folder may hold",
			Long: `limit what a space, drive or folder may hold, old versions and trash included. LIMIT is a size
such as 5GB or 512MiB, or none; for a personal drive also profile, for what the
profile says. what is stored already stays.`,
			Example: "  davit quota set /Finance/2026 5GB\n  davit quota set '~mia' none",
		}, admin.SetQuota, func(args []string) (admin.NewQuota, error) {
			return admin.NewQuota{Path: args[0], Limit: args[1]}, nil
		}, showQuota),
		carries(g, &cobra.Command{Use: "show PATH", Short: "show every limit that a write at a path has to pass"},
			admin.ShowQuota, located, showQuota),
	)
}

func showQuota(p *printer, usages []admin.Usage) {
	p.row("path", "limit", "used", "in versions", "in trash", "reserved", "available")
	for _, u := range usages {
		available := ""
		if u.Available != nil {
			available = size(*u.Available)
		}
		p.row(u.Path, u.Limit, size(u.Used), size(u.Versions), size(u.Trash), size(u.Reserved), available)
	}
}
