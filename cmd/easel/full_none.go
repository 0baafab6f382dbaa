//go:build nodemo

package main

import "github.com/spf13/cobra"

func newFullBenches() []*cobra.Command { return nil }

func newFullCommands() []*cobra.Command { return nil }
