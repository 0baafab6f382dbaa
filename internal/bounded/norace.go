//go:build !race

package bounded

// Counts tells whether allocations can be compared with a limit.
const Counts = true
