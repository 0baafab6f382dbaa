package serve

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccept(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		accept []string
		want   answer
	}{
		{nil, asJSON},
		{[]string{""}, asJSON},
		{[]string{"*/*"}, asJSON},
		{[]string{"application/json"}, asJSON},
		{[]string{"image/png"}, asPicture},
		{[]string{"IMAGE/PNG"}, asPicture},
		{[]string{"image/*"}, asPicture},
		{[]string{"text/event-stream"}, asEvents},
		{[]string{"image/png;q=0.5, application/json"}, asJSON},
		{[]string{"image/png, application/json;q=0.9"}, asPicture},
		{[]string{"application/json;q=0.1, text/event-stream;q=0.2, image/png;q=0.15"}, asEvents},
		{[]string{"image/png;q=0, */*"}, asJSON},
		{[]string{"application/json;q=0, */*;q=0.1"}, asPicture},
		{[]string{"image/png, application/json"}, asPicture},
		{[]string{"application/json, image/png"}, asJSON},
		{[]string{"image/png;q=0.3", "text/event-stream;q=0.4"}, asEvents},
		{[]string{"image/webp,image/png;q=0.8,*/*;q=0.5"}, asPicture},
		{[]string{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}, asJSON}, // Java's
		{[]string{"application/json;q=1.5"}, asJSON},
		{[]string{"image/jpeg"}, none},
		{[]string{"application/json;q=0"}, none},
	} {
		r := &http.Request{Header: http.Header{"Accept": c.accept}}
		got, err := answerFor(r)
		if c.want == none {
			require.ErrorContains(t, err, "want one of application/json, image/png, text/event-stream", c.accept)
			continue
		}
		require.NoError(t, err, c.accept)
		require.Equal(t, c.want, got, c.accept)
	}
	s := newServer(Options{Logger: quiet()}, fake(instant))
	w := ask(t, s, "POST", "/predict", seeded(1), func(r *http.Request) { r.Header.Set("Accept", "image/jpeg") })
	require.Equal(t, 406, w.Code)
	require.Contains(t, w.Body.String(), `"name":"not_acceptable"`)
}
