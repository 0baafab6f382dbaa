//go:build nodemo

package main

import "github.com/spf13/cobra"

func newServerBenches() []*cobra.Command { return nil }
