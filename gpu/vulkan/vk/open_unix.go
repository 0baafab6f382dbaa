//go:build darwin || freebsd || linux

package vk

import (
	"fmt"
	"runtime"

	"github.com/ebitengine/purego"
)

// open returns the address of vkGetInstanceProcAddr.
func open() (uintptr, error) {
	names := []string{"libvulkan.so.1", "libvulkan.so"}
	if runtime.GOOS == "darwin" {
		names = []string{"libvulkan.1.dylib", "libvulkan.dylib", "/opt/homebrew/lib/libvulkan.1.dylib",
			"/usr/local/lib/libvulkan.1.dylib", "libMoltenVK.dylib"}
	}
	var first error
	for _, name := range names {
		lib, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err == nil {
			return purego.Dlsym(lib, "vkGetInstanceProcAddr")
		}
		if first == nil {
			first = err
		}
	}
	return 0, fmt.Errorf("vulkan: no loader: %w", first)
}
