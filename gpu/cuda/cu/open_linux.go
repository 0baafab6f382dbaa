package cu

import "github.com/ebitengine/purego"

// open returns what looks up a function of the library.
func open() (func(name string) (uintptr, error), error) {
	lib, err := purego.Dlopen("libcuda.so.1", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	return func(name string) (uintptr, error) { return purego.Dlsym(lib, name) }, err
}
