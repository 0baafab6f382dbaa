// Package lint holds the rules of the architecture as tests.
package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/df65613c/easel"

// rule says what the packages below a path may depend on, directly or not:
// paths below one of allow, and the standard library.
type rule struct {
	pkg   string
	allow []string
}

// light are the third-party modules of the core.
var light = []string{"golang.org/x/sys", "golang.org/x/sync", "golang.org/x/text", "golang.org/x/image", "github.com/klauspost/cpuid"}

// plots are the modules that draw plots.
var plots = []string{"gonum.org/v1", "git.sr.ht/~sbinet", "github.com/golang/freetype", "github.com/ajstarks/svgo", "codeberg.org/go-latex", "codeberg.org/go-fonts", "codeberg.org/go-pdf"}

func own(paths ...string) []string {
	var p []string
	for _, s := range paths {
		p = append(p, module+"/"+s)
	}
	return append(p, light...)
}

// rules are the rows of the table of folders in docs/architecture.md.
var rules = []rule{
	{"internal/cpu", own("internal/cpu")},
	{"internal/kernel/...", own("internal/kernel", "internal/cpu", "internal/guard")},
	{"internal/parallel", own("internal/parallel")},
	{"sched/...", own("sched")},
	{"tensor", own("tensor", "internal")},
	{"safetensors/...", own("safetensors", "tensor", "internal")},
	{"nn", own("nn", "tensor", "internal")},
	{"nn/layers", own("nn", "tensor", "internal")},
	{"internal/hubcache", own("internal/hubcache")},
	{"internal/hubpull", own("internal/hubpull", "internal/atomicfile", "internal/hubcache")},
	{"internal/sniff", own("internal/sniff")},
	{"internal/program", own("internal/program", "nn", "tensor", "internal")},
	{"nn/cpu", own("nn", "tensor", "internal")},
	{"nn/profile", own("nn/profile")},
	{"lab", append(own("lab", "sched", "safetensors", "tensor", "internal"), plots...)},
	{"bench/quality", append(own("bench/quality", "internal"), plots...)},
	{"internal/resample", own("internal/resample")},
	{"internal/imagefile", own("internal/imagefile")},
	{"internal/infotext", own("internal/infotext", "internal/imagefile")},
	{"internal/imageout", append(own("internal/imageout", "internal/imagefile"), "github.com/HugoSmits86/nativewebp")},
	{"internal/parquet", own("internal/parquet")},
	{"internal/atomicfile", own("internal/atomicfile")},
	{"internal/sniff", own("internal/sniff")},
	{"internal/httplimit", own("internal/httplimit", "internal/hangup")},
	{"internal/openai", own("internal/openai")},
	{"internal/spill", own("internal/spill", "internal/atomicfile")},
	{"sdxl/prompt", own("sdxl/prompt", "clip/tokenizer", "internal")},
	{"sdxl/request", own("sdxl", "clip", "checkpoint", "nn", "sched", "safetensors", "tensor", "internal")},
	{"sdxl/demo", own("sdxl", "clip", "checkpoint", "nn", "sched", "safetensors", "tensor", "internal")},
	{"gpu/internal/kernel", own("gpu/internal/kernel", "internal")},
	{"gpu/internal/pass", own("gpu/internal", "nn", "tensor", "internal")},
	{"gpu/internal/run", own("gpu/internal", "nn", "tensor", "internal")},
	{"gpu/...", append(own("gpu", "nn", "tensor", "internal"), "github.com/ebitengine/purego")},
	{"checkpoint/pickle", own("checkpoint/pickle", "safetensors", "tensor", "internal")},
	{"checkpoint/gguf", own("checkpoint/gguf", "safetensors", "tensor", "internal")},
	{"checkpoint/...", own("checkpoint", "nn", "safetensors", "tensor", "internal")},
	{"clip/...", own("clip", "checkpoint", "nn", "safetensors", "tensor", "internal")},
	{"clip/serve", own("clip", "checkpoint", "nn", "safetensors", "tensor", "internal")},
	{"sdxl/adapt", own("sdxl/adapt", "checkpoint", "nn", "safetensors", "tensor", "internal")},
	{"internal/weights", own("internal/weights", "nn", "tensor", "internal")},
	{"sdxl/unet", own("sdxl/unet", "nn", "tensor", "internal")},
	{"sdxl/vae", own("sdxl/vae", "nn", "tensor", "internal")},
	{"sdxl/serve", append(own("sdxl", "clip", "checkpoint", "nn", "sched", "safetensors", "tensor", "internal"),
		"github.com/VictoriaMetrics/metrics", "github.com/valyala", "github.com/elnormous/contenttype", "github.com/rs/cors")},
	{"sdxl/...", own("sdxl", "clip", "checkpoint", "nn", "sched", "safetensors", "tensor", "internal")},
}

func TestLayers(t *testing.T) {
	for _, r := range rules {
		t.Run(r.pkg, func(t *testing.T) {
			args := []string{"-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}
			for _, pkg := range golist(t, module+"/"+r.pkg) {
				named := slices.ContainsFunc(rules, func(other rule) bool { return other.pkg != r.pkg && module+"/"+other.pkg == pkg })
				if !named && !strings.HasSuffix(pkg, "test") { // what only tests import may use more
					args = append(args, pkg)
				}
			}
			for _, line := range golist(t, args...) {
				ok := slices.ContainsFunc(r.allow, func(a string) bool { return line == a || strings.HasPrefix(line, a+"/") })
				require.True(t, ok, "%s depends on %s", r.pkg, line)
			}
		})
	}
}

// free are rows of the table whose folders may import all there is, or have a
// test of their own.
var free = []string{"tensor/gorgonia", "nn/nntest", "bench", "cmd/easel"}

// TestTableOfFolders: each folder with Go files is in a row of the table in
// docs/architecture.md, and each row has a rule.
func TestTableOfFolders(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	require.NoError(t, err)
	var rows []string
	for _, line := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(string(doc), -1) {
		for _, name := range regexp.MustCompile("`([a-z0-9/*]+)`").FindAllStringSubmatch(line[1], -1) {
			rows = append(rows, strings.TrimSuffix(name[1], "/*"))
		}
	}
	require.Greater(t, len(rows), 20)
	under := func(name string, roots []string) bool {
		return slices.ContainsFunc(roots, func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
	}
	var ruled []string
	for _, r := range rules {
		ruled = append(ruled, strings.TrimSuffix(r.pkg, "/..."))
	}
	for _, row := range rows {
		if _, err := os.Stat(filepath.Join("..", "..", row)); err == nil {
			require.True(t, under(row, ruled) || under(row, free), "%s has no rule", row)
		}
	}
	helpers := []string{"internal/cpu", "internal/guard", "internal/golden", "internal/lint", "internal/parallel", "internal/ptr", "internal/strictjson", "internal/bounded", "internal/hangup", "bench"}
	for _, pkg := range golist(t, module+"/...") {
		name := strings.TrimPrefix(pkg, module+"/")
		require.True(t, under(name, rows) || under(name, helpers), "%s is in no row of the table", name)
	}
}

// TestGorgoniaStaysAtTheEdge holds a heavy dependency to one package.
func TestGorgoniaStaysAtTheEdge(t *testing.T) {
	for _, line := range golist(t, "-f", `{{.ImportPath}}: {{join .Imports " "}}`, module+"/...") {
		pkg, imports, _ := strings.Cut(line, ": ")
		if pkg != module+"/tensor/gorgonia" {
			require.NotContains(t, strings.Fields(imports), "gorgonia.org/tensor", pkg)
		}
	}
}

// TestDriversStayAtTheEdge: only the bindings of drivers call into libraries, since that
// makes a program dynamic; and the driver that tests run on stays with them.
func TestDriversStayAtTheEdge(t *testing.T) {
	bindings := []string{module + "/gpu/vulkan", module + "/gpu/vulkan/vk", module + "/gpu/cuda/cu", module + "/gpu/cuda/internal/fake"}
	for _, line := range golist(t, "-f", `{{.ImportPath}}: {{join .Imports " "}}`, module+"/...") {
		pkg, imports, _ := strings.Cut(line, ": ")
		if !slices.Contains(bindings, pkg) {
			require.NotContains(t, strings.Fields(imports), "github.com/ebitengine/purego", pkg)
		}
	}
	for _, pkg := range golist(t, "-deps", module+"/gpu") {
		require.NotContains(t, pkg, "/gpu/cuda/internal/", "it is for tests")
	}
	if runtime.GOOS != "linux" {
		return
	}
	for _, pkg := range golist(t, "-deps", module+"/cmd/easel") {
		require.NotEqual(t, module+"/gpu", pkg, "the program without the tag gpu is static")
	}
}

// TestNoCgo holds the promise of a static binary.
func TestNoCgo(t *testing.T) {
	for _, line := range golist(t, "-f", "{{.ImportPath}}: {{.CgoFiles}}", module+"/...") {
		require.True(t, strings.HasSuffix(line, ": []"), line)
	}
}

func golist(t *testing.T, args ...string) []string {
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	require.NoError(t, err, "go list %v", args)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.NotEmpty(t, lines)
	return lines
}

// TestEmbeddingIsLight holds what a program takes that only embeds: no web
// server and no plots, and less than 12 MB.
func TestEmbeddingIsLight(t *testing.T) {
	for _, line := range golist(t, "-deps", module+"/clip") {
		require.NotContains(t, []string{"net/http", "gonum.org/v1/plot", "github.com/spf13/cobra"}, line)
	}
	out := filepath.Join(t.TempDir(), "embedder")
	text, err := exec.Command("go", "build", "-o", out, module+"/internal/lint/embedder").CombinedOutput()
	require.NoError(t, err, string(text))
	info, err := os.Stat(out)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(12_000_000))
}
