package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl/request"
)

// repository is the root, before a test goes to another folder.
var repository = golden.Root()

// documents are the files whose commands are tried, from the repository's root.
func documents(t *testing.T) []string {
	names := []string{"README.md", "CONTRIBUTING.md", "bench/README.md", "bench/peers/README.md", "sdxl/demo/train/README.md", "internal/golden/gen/README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/examples/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, path := range found {
			name, err := filepath.Rel(repository, path)
			require.NoError(t, err)
			names = append(names, filepath.ToSlash(name))
		}
	}
	return names
}

func readDocument(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join(repository, name))
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

var (
	blockLine    = regexp.MustCompile(`(?m)^    (\S.*)$`)
	fencedBlock  = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```")
	inlineEasel  = regexp.MustCompile("`easel ([a-z][^`]*)`")
	placeholders = map[string]string{"W": "64", "H": "64", "N": "1", "C": "deepcache:3", "D": "bf16", "MODEL": "m", "DIR/": "d/", `[unet\|vae\|clip]`: "unet"}
)

// words splits a line as a shell does: quotes, and a comment or redirections, which
// are left out.
func words(line string) (args []string, ok bool) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			args = append(args, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ':
			end()
		case c == '#' && !begun, c == '<', c == '>', c == '|':
			end()
			return args, true
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	end()
	return args, quote == 0
}

// TestCommandsInTextAreThere: those amid the text name a command and flags that
// there are, with values that they take.
func TestCommandsInTextAreThere(t *testing.T) {
	tried := 0
	for _, name := range documents(t) {
		for _, m := range inlineEasel.FindAllStringSubmatch(readDocument(t, name), -1) {
			args, ok := words(strings.ReplaceAll(m[1], "\n", " "))
			require.True(t, ok, "%s: %s", name, m[1])
			for i, a := range args {
				if v, ok := placeholders[a]; ok {
					args[i] = v
				}
			}
			cmd, rest, err := newRoot().Find(args)
			require.NoError(t, err, "%s: %s", name, m[1])
			require.NotEqual(t, "easel", cmd.Name(), "%s: %s", name, m[1])
			require.NoError(t, cmd.ParseFlags(rest), "%s: %s", name, m[1])
			tried++
		}
	}
	require.Greater(t, tried, 30)
}

// TestDocumentedCommands runs every line of every block of commands, in a folder
// that holds what they read. Names of models are those of small ones here.
func TestDocumentedCommands(t *testing.T) {
	for _, name := range documents(t) {
		t.Run(name, func(t *testing.T) {
			text := readDocument(t, name)
			d := documented{name, documentFolder(t)}
			for _, line := range blockLine.FindAllStringSubmatch(fencedBlock.ReplaceAllString(text, ""), -1) {
				d.try(t, line[1])
			}
		})
	}
}

// documented are the commands of a document.
type documented struct {
	name   string
	folder string
}

// documentFolder makes the files that commands read, and makes it the folder that
// they run in.
func documentFolder(t *testing.T) string {
	dir := t.TempDir()
	picture, err := os.ReadFile(filepath.Join(repository, "docs", "img", "first.png"))
	require.NoError(t, err)
	for _, name := range []string{"docs/img/first.png", "a.png", "b.png", "picture.jpg", "photos/1.png", "photos/2.png"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, picture, 0o666))
	}
	small, err := json.Marshal(smallRequest(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "request.json"), small, 0o666))
	t.Chdir(dir)
	return dir
}

// smallRequest is the request of the documentation, in a size for tests.
func smallRequest(t *testing.T) *request.Request {
	for _, m := range fencedBlock.FindAllStringSubmatch(readDocument(t, "docs/api.md"), -1) {
		if m[1] == "json" {
			q, err := request.Parse([]byte(m[2]))
			require.NoError(t, err)
			require.NoError(t, q.Validate(request.Limits{}))
			q.Width, q.Height, q.Steps = new(64), new(64), new(2)
			return q
		}
	}
	t.Fatal("docs/api.md: no request")
	return nil
}

// elsewhere are the commands that are not run here, and why.
var elsewhere = []struct{ pattern, why string }{
	{`^go test (\./\.\.\. |\./\.\.\.$)|^\.ci/run`, "runs this test"},
	{`^go build .*\./cmd/easel`, ".ci/run builds all three"},
	{`^go test \./(bench/kernels|tensor) -bench`, "measures"},
	{`^go run \./sqlite|^go -C docs/examples run \./adapters`, ".ci/run runs it"},
	{`^(EASEL_\w+=\S+ )*go test -count=1`, "wants references that Python makes"},
	{`^(/tmp/venv/bin/)?(python|pip) |^export `, "Python; the file and its flags are looked for"},
}

// script matches a Python program and what it is given.
var script = regexp.MustCompile(`python (\S+\.py)(.*)`)

// try runs a line.
func (d documented) try(t *testing.T, line string) {
	for _, e := range elsewhere {
		if regexp.MustCompile(e.pattern).MatchString(line) {
			d.look(t, line)
			return
		}
	}
	if line[0] == '{' {
		require.True(t, json.Valid([]byte(line)), line)
		return
	}
	args, ok := words(line)
	require.True(t, ok, line)
	switch {
	case d.name == "docs/architecture.md": // a drawing
	case args[0] == "curl":
		d.post(t)
	case args[0] == "easel":
		d.easel(t, line, args[1:])
	case strings.HasPrefix(line, "go run ./cmd/easel "):
		d.easel(t, line, args[3:])
	default:
		t.Errorf("%s: nothing says how to try: %s", d.name, line)
	}
}

// look checks that a script is there, and takes the flags that it is given.
func (d documented) look(t *testing.T, line string) {
	m := script.FindStringSubmatch(line)
	if m == nil || strings.HasPrefix(m[1], "-") {
		return
	}
	path := filepath.Join(repository, filepath.Dir(d.name), m[1])
	if strings.Contains(m[1], "/") {
		path = filepath.Join(repository, m[1])
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err, line)
	for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
		require.Contains(t, string(text), `"`+flag+`"`, line)
	}
}

// documentedModels are the names of models in the documentation, and the small ones
// that stand for them.
var documentedModels = map[string]string{"sdxl/demo/model/": filepath.Join(repository, "sdxl/demo/model") + "/", "sdxl-base": model("a"), "sdxl-vae": model("a"), "sdxl-unet.gguf": golden.Path("forms", "unet.gguf"),
	"sdxl-vae.ckpt": golden.Path("forms", "vae.ckpt"), "sdxl-base.safetensors": golden.Path("b", "single.safetensors"), "clip-b32": clipModel("quick"), "clip-vit-base-patch32": clipModel("quick")}

// easel runs the command, without the network: a server is asked and stopped.
func (d documented) easel(t *testing.T, line string, args []string) {
	var stdin, device string
	for i, a := range args {
		if m, ok := documentedModels[a]; ok {
			args[i] = m
		}
		switch {
		case i > 0 && args[i-1] == "--captions":
			args[i] = "1"
		case i > 0 && args[i-1] == "--device":
			device = a
		}
	}
	if strings.Contains(line, "< request.json") {
		data, err := os.ReadFile("request.json")
		require.NoError(t, err)
		stdin = string(data)
	}
	slow := d.name == "README.md" && !strings.Contains(line, "-m ") || args[0] == "bench"
	switch {
	case slow && testing.Short():
		return
	case args[0] == "txt2img" && !strings.Contains(line, "--steps"):
		args = append(args, "--steps", "2")
	case args[0] == "clip" && args[1] == "serve":
		url, _, stop := startServer(t, append(args, "--listen", "127.0.0.1:0")...)
		status, _, err := post(url+"/v1/embeddings", `{"input": "a"}`)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.NoError(t, stop())
		return
	}
	_, _, err := run(t, t.Context(), stdin, args...)
	if device != "" && device != "auto" && err != nil { // no GPU here
		require.True(t, errors.Is(err, gpu.ErrNoDevice) || strings.Contains(err.Error(), "easel-gpu is neither"), "%s: %v", line, err)
		return
	}
	require.NoError(t, err, "%s: %s", d.name, line)
}

// post sends the request of the documentation to a server.
func (d documented) post(t *testing.T) {
	url, _, stop := startServe(t)
	data, err := os.ReadFile("request.json")
	require.NoError(t, err)
	status, answer, err := post(url+"/predict", string(data))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, string(answer))
	require.NoError(t, stop())
}

// TestFirstCommandOfTheReadme draws the picture that stands above it.
func TestFirstCommandOfTheReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("draws at full length; .ci/run runs it without -short")
	}
	lines := blockLine.FindAllStringSubmatch(readDocument(t, "README.md"), 2)
	first, found := strings.CutPrefix(lines[0][1], "go run ./cmd/easel ")
	require.True(t, found, lines[0][1])
	require.Equal(t, "go test ./...", lines[1][1])
	args, _ := words(first)
	at := len(args) - 1
	require.Equal(t, "first.png", args[at])
	args[at] = filepath.Join(t.TempDir(), "first.png")
	ok(t, "", args...)
	got, err := os.ReadFile(args[at])
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join(repository, "docs", "img", "first.png"))
	require.NoError(t, err)
	require.LessOrEqual(t, difference(t, got, want), 2, "levels of 255")
}

// difference returns the largest difference of two PNGs in any sample.
func difference(t *testing.T, a, b []byte) int {
	read := func(data []byte) []byte {
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		return pixelsOf(img)
	}
	x, y := read(a), read(b)
	require.Equal(t, len(x), len(y))
	most := 0
	for i := range x {
		most = max(most, int(x[i])-int(y[i]), int(y[i])-int(x[i]))
	}
	return most
}
