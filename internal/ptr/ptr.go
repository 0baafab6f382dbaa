// Package ptr reads optional values.
package ptr

// Or returns what p points to, or the fallback where it is nil.
func Or[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}
