package main

import "github.com/spf13/cobra"

func newPolicy(g *global) *cobra.Command {
	return noun("policy", "the rules of the whole instance",
		newPolicyShow(g), newPolicySet(g))
}
