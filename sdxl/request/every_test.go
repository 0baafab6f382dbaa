package request_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// TestEveryNameIsAnsweredOrRefused: a request with any sampler, schedule, spacing or
// dialect and few steps gives a picture, or an error of its fields.
func TestEveryNameIsAnsweredOrRefused(t *testing.T) {
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	ask := func(body string) {
		r, err := request.Parse([]byte(body))
		require.NoError(t, err, body)
		_, err = request.Predict(t.Context(), pipe, r, request.Options{})
		var fault *request.Error
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, steps := range []int{1, 2} {
		format := func(extras string) string {
			return fmt.Sprintf(`{"text_prompts":[{"text":"x"}],"seed":1,"cfg_scale":1,"width":64,"height":64,"steps":%d,%s}`, steps, extras)
		}
		for _, name := range append(sched.SamplerNames(), sched.SamplerAliases()...) {
			ask(format(fmt.Sprintf(`"sampler":%q`, name)))
			for _, option := range []string{`"eta":0.5`, `"s_noise":0.5`, `"s_churn":3`, `"order":2`, `"restart":{"min":0.1,"max":2,"steps":2,"times":1}`} {
				if steps == 1 {
					ask(format(fmt.Sprintf(`"sampler":%q,"extras":{%s}`, name, option)))
				}
			}
		}
		for _, name := range sched.ScheduleNames() {
			for _, dialect := range sched.DialectNames() {
				ask(format(fmt.Sprintf(`"extras":{"schedule":%q,"dialect":%q}`, name, dialect)))
			}
		}
		for _, spacing := range []string{"leading", "linspace", "trailing"} {
			ask(format(fmt.Sprintf(`"extras":{"spacing":%q}`, spacing)))
		}
	}
}
