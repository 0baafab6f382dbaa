package serve

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"
)

// TestViolationsAreBounded: as many as there may be are all named; of more, the first.
func TestViolationsAreBounded(t *testing.T) {
	for n, want := range map[int]int{1: 1, maxViolations: maxViolations, maxViolations + 1: maxViolations + 1, 1000: maxViolations + 1} {
		var v []request.Violation
		for i := range n {
			v = append(v, request.Violation{Field: fmt.Sprint("f", i), Message: "is wrong"})
		}
		f := badRequest(v)
		require.Len(t, f.Violations, want)
		require.Equal(t, v[0], f.Violations[0])
		if n > maxViolations {
			require.Equal(t, request.Violation{Field: "body", Message: fmt.Sprintf("has %d more faults", n-maxViolations)}, f.Violations[maxViolations])
			require.Equal(t, fmt.Sprint("f", maxViolations), v[maxViolations].Field, "the caller's are left alone")
		}
	}
	for n, want := range map[int]int{maxMessage: maxMessage, maxMessage + 1: maxMessage + 3, 1 << 20: maxMessage + 3} {
		f := badRequest([]request.Violation{{Field: strings.Repeat("f", n), Message: strings.Repeat("é", n/2) + strings.Repeat("e", n%2)}})
		require.Len(t, f.Violations[0].Message, want)
		require.Len(t, f.Violations[0].Field, maxField+3)
		require.True(t, utf8.ValidString(f.Message))
	}
	require.Equal(t, "a is wrong", badRequest([]request.Violation{{Field: "a", Message: "is wrong"}}).Message)
	require.Equal(t, "a is wrong; and 1 more, see violations", badRequest([]request.Violation{{Field: "a", Message: "is wrong"}, {Field: "b", Message: "too"}}).Message)
}
