package serve

import (
	"fmt"
	"runtime/debug"
)

// panicked is a panic of another goroutine, with where it was.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// carry calls f and returns its panic as an error, for another goroutine to
// panic with.
func carry(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return f()
}

// stackOf returns where a panic that was recovered just now came from.
func stackOf(v any) string {
	if p, ok := v.(*panicked); ok {
		return string(p.stack)
	}
	return string(debug.Stack())
}
