package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Metric reads a metric without labels from the server at url. key is the
// server's API key, or "".
func Metric(ctx context.Context, url, key, name string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	authorize(r, key)
	_, body, err := do(r)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("%s/metrics has no %s; want a server of easel", url, name)
}

func (p *Plan) metric(ctx context.Context, name string) (float64, error) {
	return Metric(ctx, p.URL, p.Key, name)
}

// do sends a request and reads the whole answer.
func do(r *http.Request) (*http.Response, []byte, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

func authorize(r *http.Request, key string) {
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
}
