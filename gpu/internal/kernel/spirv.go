package kernel

import (
	"embed"
	"encoding/binary"
	"fmt"
)

// The modules are made of the sources in glsl by gen.sh.
//
//go:generate ./gen.sh
//go:embed spv/*.spv
var modules embed.FS

// SPIRV returns the code of the kernel for Vulkan.
func (id ID) SPIRV() ([]uint32, error) {
	b, err := modules.ReadFile("spv/" + id.String() + ".spv")
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", id, err)
	}
	code := make([]uint32, len(b)/4)
	for i := range code {
		code[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return code, nil
}
