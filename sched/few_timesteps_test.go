package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFewTrainingTimesteps: every schedule of a model with few of them has
// falling levels, or is an error.
func TestFewTrainingTimesteps(t *testing.T) {
	for train := 2; train <= 60; train++ {
		for _, schedule := range ScheduleNames() {
			for _, dialect := range DialectNames() {
				c := DefaultConfig()
				c.TrainTimesteps = train
				s, err := c.New(Overrides{Sampler: "euler", Schedule: schedule, Dialect: dialect}, 4)
				if err == nil {
					require.NoError(t, checkSigmas(s.Sigmas), "%s of %d in %s", schedule, train, dialect)
				}
			}
		}
	}
}
