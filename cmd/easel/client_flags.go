package main

import (
	"time"

	"github.com/spf13/pflag"
)

// clientLimits are the options of both servers that say who its clients are, and
// what they may take.
type clientLimits struct {
	connections, perClient *int
	read, write            *time.Duration
	hosts                  *[]string
}

// add adds the flags, whose defaults are those of both servers.
func (l clientLimits) add(flags *pflag.FlagSet) {
	flags.IntVar(l.connections, "connections", 4096, "connections at once; idle ones are closed for new ones")
	flags.IntVar(l.perClient, "connections-per-client", 1024, "connections of one client at once")
	flags.DurationVar(l.read, "read-timeout", 30*time.Second, "how long the body of a request may take")
	flags.DurationVar(l.write, "write-timeout", 30*time.Second, "how long a client may take to read 64 KB of an answer")
	flags.StringSliceVar(l.hosts, "host", nil,
		"names of this server; without API keys it answers only to addresses, to these names and to names of private networks")
}
