package hubpull

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func sorted(names []string) []string { slices.Sort(names); return names }

// fetch downloads the content of a file to the cache, unless it is there. What an earlier run left
// of it is gone on with.
func (c *Client) fetch(ctx context.Context, repo, sha, folder string, f *file) error {
	blob := filepath.Join(folder, "blobs", f.etag())
	if info, err := os.Stat(blob); err == nil && (f.size() < 0 || info.Size() == f.size()) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		return err
	}
	segments := strings.Split(f.Name, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	address := c.Endpoint + "/" + repo + "/resolve/" + sha + "/" + strings.Join(segments, "/")
	part := blob + ".incomplete"
	begun := false
	return c.retry(ctx, func() error {
		if !begun && f.size() >= 0 {
			c.Log("%s, %.1f MB", f.Name, float64(f.size())/1e6)
			begun = true
		}
		if err := c.download(ctx, address, part, f); err != nil {
			return err
		}
		return os.Rename(part, blob)
	})
}

// download writes the rest of a file, and compares the whole with its checksum.
func (c *Client) download(ctx context.Context, address, part string, f *file) (err error) {
	w, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	have, err := w.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size := f.size(); size >= 0 && have > size {
		have = 0
	}
	if f.size() < 0 || have != f.size() {
		if have, err = c.rest(ctx, address, w, have, f); err != nil {
			return err
		}
	}
	if err := w.Truncate(have); err != nil {
		return err
	}
	sum, err := sumOf(w, have, f)
	if err != nil {
		return err
	}
	if sum != f.etag() {
		return errors.Join(&temporary{err: fmt.Errorf("the checksum of what was downloaded begins with %.12s, want %.12s", sum,
			f.etag())}, w.Truncate(0))
	}
	return w.Sync()
}

// rest asks for what is after the first bytes of a file, writes it, and returns how many bytes the file has then.
func (c *Client) rest(ctx context.Context, address string, w *os.File, have int64, f *file) (int64, error) {
	resp, err := c.get(ctx, address, have)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if have > 0 && (resp.StatusCode != http.StatusPartialContent ||
		!strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have))) {
		have = 0 // the server began anew, or elsewhere
		if resp.StatusCode == http.StatusPartialContent {
			return 0, errors.Join(&temporary{err: fmt.Errorf("the server answered with %q",
				resp.Header.Get("Content-Range"))}, w.Truncate(0))
		}
	}
	if _, err := w.Seek(have, io.SeekStart); err != nil {
		return 0, err
	}
	if err := w.Truncate(have); err != nil {
		return 0, err
	}
	body := io.Reader(resp.Body)
	if f.size() >= 0 {
		body = io.LimitReader(body, f.size()-have+1)
	}
	n, err := io.Copy(w, body)
	have += n
	switch size := f.size(); {
	case size >= 0 && have > size:
		return 0, errors.Join(fmt.Errorf("the server sent more than the %d bytes that the file has", size), w.Truncate(0))
	case err != nil:
		return 0, &temporary{err: err, progress: n > 0}
	case size >= 0 && have < size:
		return 0, &temporary{err: fmt.Errorf("the server sent %d bytes of %d", have, size), progress: n > 0}
	}
	return have, nil
}

// sumOf returns the checksum of a file's first bytes: SHA-256 of large ones, else git's of a blob.
func sumOf(r io.ReaderAt, size int64, f *file) (string, error) {
	var h hash.Hash
	if f.LFS != nil {
		h = sha256.New()
	} else {
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", size)
	}
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, size)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// get asks for an address, from a byte on, and makes an error of what is no success.
func (c *Client) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "easel")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &temporary{err: err}
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return resp, nil
	}
	resp.Body.Close()
	return nil, c.status(resp)
}

// status is the error of an answer.
func (c *Client) status(resp *http.Response) error {
	host := resp.Request.URL.Host
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized && c.Token == "":
		return fmt.Errorf("%s wants to know who asks (401): the model is private, gated, or not there; set HF_TOKEN or run \"hf auth login\"", host)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s does not accept the token (401): see HF_TOKEN and \"hf auth whoami\"", host)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s refuses it (403): the model is gated; accept its conditions on its page, with the account of the token", host)
	case code == http.StatusNotFound:
		return fmt.Errorf("%s has no such model, revision or file (404)", host)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return &temporary{err: fmt.Errorf("%s answered %s", host, resp.Status)}
	case code == http.StatusTooManyRequests || code >= 500:
		return &temporary{err: fmt.Errorf("%s answered %s", host, resp.Status), after: retryAfter(resp.Header.Get("Retry-After"))}
	}
	return fmt.Errorf("%s answered %s", host, resp.Status)
}

// temporary is an error after which another try may succeed.
type temporary struct {
	err      error
	after    time.Duration // how long to wait, if the server says so
	progress bool          // something was gained
}

func (t *temporary) Error() string { return t.err.Error() }
func (t *temporary) Unwrap() error { return t.err }

const (
	mostTries = 5 // without progress
	firstWait = time.Second
	mostWait  = 5 * time.Minute
)

// retryAfter reads a number of seconds, or a date.
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

type pauseFunc func(ctx context.Context, d time.Duration) error

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// retry tries until it succeeds, an error is final, or several tries in a row gained nothing.
func (c *Client) retry(ctx context.Context, try func() error) error {
	for tries := 1; ; tries++ {
		err := try()
		var t *temporary
		if err == nil || !errors.As(err, &t) || errors.Is(err, fs.ErrPermission) || ctx.Err() != nil {
			return err
		}
		if t.progress {
			tries = 1
		}
		pause := cmp.Or(t.after, firstWait<<(tries-1))
		if tries >= mostTries || pause > mostWait {
			return fmt.Errorf("%w; what was downloaded is kept, and the next try goes on with it", err)
		}
		c.Log("%v; trying again in %v", err, pause)
		if err := c.pause(ctx, pause); err != nil {
			return err
		}
	}
}
