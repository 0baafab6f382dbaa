package cu

import "golang.org/x/sys/windows"

// open returns what looks up a function of the library.
func open() (func(name string) (uintptr, error), error) {
	lib := windows.NewLazySystemDLL("nvcuda.dll")
	return func(name string) (uintptr, error) {
		p := lib.NewProc(name)
		if err := p.Find(); err != nil {
			return 0, err
		}
		return p.Addr(), nil
	}, lib.Load()
}
