package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/clip/serve"
)

var texts = []string{"an old lighthouse", "", "two cats"}

// TestClients: the libraries of three languages get the vectors of the model. Those of
// Python and JavaScript are taken where CI says where they are: EASEL_PYTHON names a
// Python with openai, EASEL_NODE_MODULES a folder of packages with it.
func TestClients(t *testing.T) {
	m, err := clip.Open("../../../internal/golden/testdata/clip/quick", clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want, err := m.EmbedTexts(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(serve.New(serve.Options{Model: m}))
	defer server.Close()
	t.Run("go", func(t *testing.T) {
		got, err := embed(t.Context(), server.URL, texts)
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, got)
	})
	run := func(t *testing.T, program, script string) {
		out, err := exec.CommandContext(t.Context(), program, append([]string{script, server.URL}, texts...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, lines(t, out))
	}
	t.Run("python", func(t *testing.T) { run(t, variable(t, "EASEL_PYTHON"), "embed.py") })
	t.Run("javascript", func(t *testing.T) {
		dir := t.TempDir() // packages are looked for beside the script
		if err := os.Symlink(variable(t, "EASEL_NODE_MODULES"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile("embed.mjs")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "embed.mjs"), script, 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, "node", filepath.Join(dir, "embed.mjs"))
	})
}

func variable(t *testing.T, name string) string {
	value := os.Getenv(name)
	if value == "" {
		t.Skip(name + " is not set")
	}
	return value
}

func lines(t *testing.T, out []byte) (vectors [][]float64) {
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v []float64
		if err := json.NewDecoder(strings.NewReader(s.Text())).Decode(&v); err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func same(t *testing.T, want [][]float32, got [][]float64) {
	if len(got) != len(want) {
		t.Fatalf("%d vectors, want %d", len(got), len(want))
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Fatalf("text %d: %d numbers, want %d", i, len(got[i]), len(want[i]))
		}
		for j, x := range want[i] {
			if float32(got[i][j]) != x {
				t.Fatalf("text %d, number %d: %v, want %v", i, j, got[i][j], x)
			}
		}
	}
}
