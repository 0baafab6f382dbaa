// Package hubpull downloads models from the Hugging Face hub into its cache on this
// machine, laid out as huggingface_hub does, so that both find what the other has.
package hubpull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/df65613c/easel/internal/atomicfile"
)

// Client downloads from one hub to one cache.
type Client struct {
	Endpoint string // such as https://huggingface.co
	Token    string // "" for none; it is sent to the endpoint alone
	Cache    string // the folder
	Log      func(format string, args ...any)

	http http.Client
	// pause waits between tries; tests shorten it.
	pause pauseFunc
}

// New returns a client.
func New(endpoint, token, cache string, log func(format string, args ...any)) *Client {
	c := &Client{Endpoint: strings.TrimSuffix(endpoint, "/"), Token: token, Cache: cache, Log: log, pause: wait}
	c.http.CheckRedirect = c.redirect
	return c
}

// mostRedirects is as many as browsers follow.
const mostRedirects = 10

// redirect keeps the token from other hosts, and secure connections secure.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > mostRedirects {
		return fmt.Errorf("more than %d redirections", mostRedirects)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("a redirection from https to %s", req.URL.Scheme)
	}
	if req.URL.Host != via[0].URL.Host {
		req.Header.Del("Authorization")
	}
	return nil
}

// file is a file of a repository.
type file struct {
	Name string `json:"rfilename"`
	Size *int64 `json:"size"`
	Blob string `json:"blobId"` // git's SHA-1 of it
	LFS  *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"lfs"`
}

// etag is the name of the file's content in the cache.
func (f *file) etag() string {
	if f.LFS != nil {
		return f.LFS.SHA256
	}
	return f.Blob
}

func (f *file) size() int64 {
	switch {
	case f.LFS != nil:
		return f.LFS.Size
	case f.Size != nil:
		return *f.Size
	}
	return -1
}

var (
	repository = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)
	commit     = regexp.MustCompile(`^[0-9a-f]{40}$`)
	checksum   = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	reference  = regexp.MustCompile(`^[\w][\w.-]*(/[\w.-]+)*$`)
)

// Pull downloads what is needed of the model org/name, or the file org/name/file, at a revision ("" is
// main), and returns where it lies. What the cache has is not downloaded again.
func (c *Client) Pull(ctx context.Context, name, revision, variant string) (string, error) {
	elems := strings.SplitN(name, "/", 3)
	if len(elems) < 2 || !repository.MatchString(elems[0]+"/"+elems[1]) {
		return "", fmt.Errorf("%q names no model: want org/name, or org/name/file", name)
	}
	if revision == "" {
		revision = "main"
	}
	if !reference.MatchString(revision) || strings.Contains(revision, "..") {
		return "", fmt.Errorf("%q is no revision", revision)
	}
	repo, one := elems[0]+"/"+elems[1], ""
	if len(elems) == 3 {
		one = elems[2]
	}
	sha, files, err := c.list(ctx, repo, revision)
	if err != nil {
		return "", fmt.Errorf("%s: %w", repo, err)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	chosen, err := chooseFiles(sorted(names), one, variant)
	if err != nil {
		return "", fmt.Errorf("%s: %w", repo, err)
	}
	folder := filepath.Join(c.Cache, "models--"+elems[0]+"--"+elems[1])
	snapshot := filepath.Join(folder, "snapshots", sha)
	for _, name := range chosen {
		f := files[name]
		if err := c.fetch(ctx, repo, sha, folder, &f); err != nil {
			return "", fmt.Errorf("%s: %s: %w", repo, name, err)
		}
		if err := link(folder, snapshot, &f); err != nil {
			return "", fmt.Errorf("%s: %s: %w", repo, name, err)
		}
	}
	if err := refer(folder, revision, sha); err != nil {
		return "", err
	}
	if one != "" {
		return filepath.Join(snapshot, filepath.FromSlash(one)), nil
	}
	if len(chosen) == 1 {
		return filepath.Join(snapshot, filepath.FromSlash(chosen[0])), nil
	}
	return snapshot, nil
}

const mostList = 16 << 20 // bytes of the list of a repository

// list asks for the commit and the files of a revision.
func (c *Client) list(ctx context.Context, repo, revision string) (sha string, files map[string]file, err error) {
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []file `json:"siblings"`
	}
	address := c.Endpoint + "/api/models/" + repo + "/revision/" + url.PathEscape(revision) + "?blobs=true"
	err = c.retry(ctx, func() error {
		resp, err := c.get(ctx, address, 0)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(io.LimitReader(resp.Body, mostList+1))
		switch {
		case err != nil:
			return &temporary{err: fmt.Errorf("the list of files: %w", err)}
		case len(data) > mostList:
			return fmt.Errorf("a list of files of more than %d bytes", mostList)
		}
		if err := json.Unmarshal(data, &answer); err != nil {
			return fmt.Errorf("the list of files of %s: %w", c.Endpoint, err)
		}
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	if !commit.MatchString(answer.SHA) {
		return "", nil, fmt.Errorf("%s answered with %.60q, which is no commit", c.Endpoint, answer.SHA)
	}
	files = make(map[string]file)
	for _, f := range answer.Siblings {
		if !filepath.IsLocal(f.Name) || path.Clean(f.Name) != f.Name || strings.ContainsAny(f.Name, "\\:") {
			return "", nil, fmt.Errorf("a file named %.100q", f.Name)
		}
		if !checksum.MatchString(f.etag()) {
			continue // without a checksum it is not fetched
		}
		files[f.Name] = f
	}
	return answer.SHA, files, nil
}

// link makes a file of a snapshot a link to its content, or a copy where links cannot be made.
func link(folder, snapshot string, f *file) error {
	at := filepath.Join(snapshot, filepath.FromSlash(f.Name))
	if _, err := os.Stat(at); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	blob := filepath.Join(folder, "blobs", f.etag())
	to, err := filepath.Rel(filepath.Dir(at), blob)
	if err != nil {
		return err
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Symlink(to, at) == nil {
		return nil
	}
	return atomicfile.Write(at, func(w io.Writer) error {
		from, err := os.Open(blob)
		if err != nil {
			return err
		}
		defer from.Close()
		_, err = io.Copy(w, from)
		return err
	})
}

// refer notes which commit a revision is.
func refer(folder, revision, sha string) error {
	if revision == sha {
		return nil
	}
	at := filepath.Join(folder, "refs", filepath.FromSlash(revision))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(at, func(w io.Writer) error { _, err := io.WriteString(w, sha); return err })
}
