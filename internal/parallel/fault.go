package parallel

import (
	"fmt"
	"runtime/debug"
)

// Fault is a panic of a work unit, such as a read of a mapped file that has
// been truncated meanwhile.
type Fault struct {
	Value any
	Stack []byte
}

func (f *Fault) Error() string {
	if _, ok := f.Value.(interface{ Addr() uintptr }); ok {
		return fmt.Sprintf("memory fault in a kernel (was a mapped file cut short?): %v", f.Value)
	}
	return fmt.Sprintf("fault in a kernel: %v", f.Value)
}

// Unwrap returns the cause if the panic carried an error.
func (f *Fault) Unwrap() error {
	err, _ := f.Value.(error)
	return err
}

// Guard calls f and returns its error. A read of memory that is gone, as of a
// mapped file that has been truncated, is a *Fault; other panics pass.
func Guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			err = &Fault{r, debug.Stack()}
		default:
			panic(r)
		}
	}()
	return f()
}
