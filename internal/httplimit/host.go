package httplimit

import (
	"net"
	"slices"
	"strings"
)

// privateDomains have no public names: they are reserved for single machines
// and networks (RFC 6761, RFC 6762, RFC 8375, ICANN 2024).
var privateDomains = []string{"localhost", "local", "internal", "home.arpa"}

// OwnHost reports whether a Host header can't be a stranger's domain: it is an
// address, a name without a dot, in a domain of private networks, or one of known.
func OwnHost(host string, known []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if net.ParseIP(strings.Trim(host, "[]")) != nil || !strings.Contains(host, ".") {
		return true
	}
	if slices.ContainsFunc(privateDomains, func(d string) bool { return strings.HasSuffix(host, "."+d) }) {
		return true
	}
	return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, host) })
}
