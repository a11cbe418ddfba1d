package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"davit/store"
)

// build says which davit this is.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	Format  int    `json:"format"` // of the data directories it writes
}

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "say which davit this is",
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			return g.print(b, func(p *printer) { p.line("davit %s, %s, data format %d", b.Version, b.Go, b.Format) })
		},
	}
}

func thisBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Format: store.Format}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		b.Version = strings.Trim(info.Main.Version, "()") // "(devel)" outside of a release
	}
	return b
}
