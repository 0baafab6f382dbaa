package conv

// span is a stretch of output rows (or columns) for which the same rows (or
// columns) of the kernel, tap0 to tap1, fall inside the image.
type span struct{ from, to, tap0, tap1 int }

// spans divides an axis of out output positions.
func spans(out, in, taps, stride, pad int) []span {
	var ss []span
	for i := range out {
		first := i*stride - pad
		s := span{from: i, to: i + 1, tap0: max(0, -first), tap1: min(taps, in-first)}
		if s.tap0 >= s.tap1 {
			s.tap0, s.tap1 = 0, 0
		}
		if n := len(ss) - 1; n >= 0 && ss[n].tap0 == s.tap0 && ss[n].tap1 == s.tap1 {
			ss[n].to = s.to
			continue
		}
		ss = append(ss, s)
	}
	return ss
}
