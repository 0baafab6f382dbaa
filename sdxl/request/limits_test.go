package request_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/request"
)

// violated returns the fields of a request that are refused within limits.
func violated(t *testing.T, body string, l request.Limits) (fields []string) {
	r, err := request.Parse([]byte(body))
	require.NoError(t, err)
	var e *request.Error
	if err := r.Validate(l); err != nil {
		require.True(t, errors.As(err, &e))
		for _, v := range e.Violations {
			fields = append(fields, v.Field)
		}
	}
	return fields
}

// TestLimits: each limit holds at its value and one past it; where it is 0 or
// above what there may be at most, the most holds.
func TestLimits(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 64, 64))))
	picture := base64.StdEncoding.EncodeToString(b.Bytes())
	const text = `"text_prompts":[{"text":"x"}]`
	steps := func(n int) string { return fmt.Sprintf(`{%s,"steps":%d}`, text, n) }
	samples := func(n int) string { return fmt.Sprintf(`{%s,"samples":%d}`, text, n) }
	size := func(w, h int) string { return fmt.Sprintf(`{%s,"width":%d,"height":%d}`, text, w, h) }
	start := fmt.Sprintf(`{%s,"init_image":%q}`, text, picture)
	for _, c := range []struct {
		body   string
		limits request.Limits
		want   []string
	}{
		{steps(150), request.Limits{}, nil},
		{steps(151), request.Limits{}, []string{"steps"}},
		{steps(150), request.Limits{Steps: 1000}, nil},
		{steps(151), request.Limits{Steps: 1000}, []string{"steps"}},
		{steps(4), request.Limits{Steps: 4}, nil},
		{steps(5), request.Limits{Steps: 4}, []string{"steps"}},
		{steps(0), request.Limits{}, []string{"steps"}},
		{samples(10), request.Limits{}, nil},
		{samples(11), request.Limits{}, []string{"samples"}},
		{samples(11), request.Limits{Samples: 99}, []string{"samples"}},
		{samples(2), request.Limits{Samples: 2}, nil},
		{samples(3), request.Limits{Samples: 2}, []string{"samples"}},
		{size(2048, 2048), request.Limits{}, nil},
		{size(2048, 2112), request.Limits{}, []string{"width"}},
		{size(2048, 2112), request.Limits{Pixels: 2048 * 2112}, nil},
		{size(64, 64), request.Limits{Pixels: 64 * 64}, nil},
		{size(64, 64), request.Limits{Pixels: 64*64 - 1}, []string{"width"}},
		{start, request.Limits{}, nil},
		{start, request.Limits{PictureMemory: 8 * 64 * 64}, nil},
		{start, request.Limits{PictureMemory: 8*64*64 - 1}, []string{"init_image"}},
	} {
		require.Equal(t, c.want, violated(t, c.body, c.limits), "%.60s %+v", c.body, c.limits)
	}
}
