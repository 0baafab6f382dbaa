package lint

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
)

// TestNamesAreDocumented: the documents that list the samplers, the schedules and
// the methods of guidance name all of them.
func TestNamesAreDocumented(t *testing.T) {
	texts := documents(t)
	for _, c := range []struct {
		document string
		names    []string
	}{
		{"README.md", sched.SamplerNames()},
		{"README.md", sched.ScheduleNames()},
		{"docs/samplers.md", sched.SamplerNames()},
		{"docs/samplers.md", sched.ScheduleNames()},
		{"docs/guidance.md", guidance.Methods()},
	} {
		for _, name := range c.names {
			there := regexp.MustCompile("[` -]" + regexp.QuoteMeta(name) + "[` ]")
			require.True(t, there.MatchString(texts[c.document]), "%s does not name %s", c.document, name)
		}
	}
}
