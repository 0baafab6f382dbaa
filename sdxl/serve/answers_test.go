package serve

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/request"
)

// TestErrorEvent has the id by which the log names the request.
func TestErrorEvent(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(func(context.Context, *request.Request, request.Options) error { return errors.New("broken") }))
	w := ask(t, s, "POST", "/predict", seeded(1), func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") })
	id := w.Header().Get("X-Request-Id")
	require.NotEmpty(t, id)
	_, event, ok := strings.Cut(w.Body.String(), "event: error\n")
	require.True(t, ok, w.Body.String())
	require.Contains(t, event, `"id":"`+id+`"`)
	require.NotContains(t, event, "broken")
}

// TestRepeatedFormFields: the last one counts, as in JSON.
func TestRepeatedFormFields(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, field := range [][2]string{{"text_prompts[0][text]", "a"}, {"steps", "3"}, {"steps", "7"}, {"text_prompts[0][text]", "b"}} {
		require.NoError(t, form.WriteField(field[0], field[1]))
	}
	require.NoError(t, form.Close())
	asked := 0
	s := newServer(Options{Logger: quiet()}, fake(func(_ context.Context, r *request.Request, _ request.Options) error {
		asked++
		require.Equal(t, 7, *r.Steps)
		require.Equal(t, "b", r.TextPrompts[0].Text)
		return nil
	}))
	w := ask(t, s, "POST", "/predict", body.String(), func(r *http.Request) { r.Header.Set("Content-Type", form.FormDataContentType()) })
	require.Equal(t, 200, w.Code, w.Body)
	require.Equal(t, 1, asked)
}
