//go:build amd64 || arm64

package convert

const (
	block  = 16
	stride = 1 << 15 // values a call, as assembly can't be preempted
)

// toF32 converts a leading part and returns its length.
func toF32(dst []float32, src []byte, f Format) (done int) {
	if !hasLoops() || f == F32 {
		return 0
	}
	for n := len(dst) / block * block; done < n; {
		part := min(stride, n-done)
		switch f {
		case F16:
			widenF16(&dst[done], &src[2*done], part)
		case BF16:
			widenBF16(&dst[done], &src[2*done], part)
		default:
			return 0
		}
		done += part
	}
	return done
}

// fromF32 converts a leading part and returns its length.
func fromF32(dst []byte, src []float32, f Format) (done int) {
	if !hasLoops() || f == F32 {
		return 0
	}
	for n := len(src) / block * block; done < n; {
		part := min(stride, n-done)
		switch f {
		case F16:
			narrowF16(&dst[2*done], &src[done], part)
		case BF16:
			narrowBF16(&dst[2*done], &src[done], part)
		default:
			return 0
		}
		done += part
	}
	return done
}
