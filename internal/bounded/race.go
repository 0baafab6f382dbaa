//go:build race

package bounded

// Counts tells whether allocations can be compared with a limit. With the race
// detector they cannot: a sync.Pool then drops a part of what it is given.
const Counts = false
