package kernel

import "github.com/df65613c/easel/internal/kernel/convert"

func fromHalf(h uint16) float32 { return convert.F16ToF32(h) }

func toHalf(v float32) uint16 { return convert.F32ToF16(v) }
