package vk

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// open returns the address of vkGetInstanceProcAddr.
func open() (uintptr, error) {
	p := windows.NewLazySystemDLL("vulkan-1.dll").NewProc("vkGetInstanceProcAddr")
	if err := p.Find(); err != nil {
		return 0, fmt.Errorf("vulkan: no loader: %w", err)
	}
	return p.Addr(), nil
}
