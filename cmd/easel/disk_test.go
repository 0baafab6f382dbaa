//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// What a test program that behaves as easel has to suffer.
const (
	fileLimit = "EASEL_TEST_FILE_LIMIT" // files can't grow beyond so many bytes, as on a full disk
	dieWhen   = "EASEL_TEST_DIE_WHEN"   // FOLDER:BYTES: it ends at once when files in the folder have so many
)

// faultAsCommand sets what the environment asks for.
func faultAsCommand() {
	if n, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 64); err == nil {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			panic(err)
		}
	}
	if folder, size, ok := strings.Cut(os.Getenv(dieWhen), ":"); ok {
		n, err := strconv.Atoi(size)
		if err != nil {
			panic(err)
		}
		go func() {
			for bytesBelow(folder) < n {
				time.Sleep(20 * time.Microsecond)
			}
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}()
	}
}

// bytesBelow counts the bytes of all files in a folder, 1 more for each, so that
// those without any count.
func bytesBelow(folder string) (n int) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += int(info.Size()) + 1
			}
		}
		return nil
	})
	return n
}

// command runs easel as a process of its own, which writes OUT in a folder.
func command(t *testing.T, folder string, env []string, args string) (stderr string, err error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), asCommand+"="+strings.ReplaceAll(args, "OUT", filepath.Join(folder, "OUT"))), env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	err = cmd.Run()
	return log.String(), err
}

// writers are commands that write a file or a folder OUT.
func writers(t *testing.T) map[string]string {
	pictures := filepath.Join(t.TempDir(), "pictures")
	require.NoError(t, os.CopyFS(pictures, os.DirFS(golden.Path("clip", "pictures"))))
	graph := golden.Path("c", "parts")
	inputs, err := filepath.Glob(filepath.Join(graph, "vae-decoder*"))
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	single := golden.Path("c", "model", "unet", "diffusion_pytorch_model.safetensors")
	quick := clipModel("quick")
	all := map[string]string{
		"convert a file":      "convert " + single + " --dtype f32 -o OUT.safetensors",
		"a GGUF":              "convert " + single + " --dtype q8_0 -o OUT.gguf",
		"quantise a file":     "convert " + single + " --dtype q8 -o OUT.safetensors",
		"convert a folder":    "convert " + model("c") + " --dtype f32 -o OUT",
		"vectors of NumPy":    "clip -m " + quick + " -p cat -o OUT.npy",
		"vectors as lines":    "clip -m " + quick + " -p cat --images " + filepath.Join(pictures, "large.png") + " -o OUT.jsonl",
		"vectors as tensors":  "clip -m " + quick + " -p cat -o OUT.safetensors",
		"vectors of a folder": "clip -m " + quick + " --dir " + pictures + " --keep-going -o OUT.safetensors",
		"embeddings":          "embed -m " + model("c") + " -p cat -o OUT.safetensors",
		"a picture":           "txt2img -m " + model("c") + " cat --steps 1 --width 64 --height 64 --seed 1 -o OUT.png",
		"a JPEG":              "txt2img -m " + model("c") + " cat --steps 1 --width 64 --height 64 --seed 1 -o OUT.jpg",
		"a trace":             "txt2img -m " + model("c") + " cat --steps 1 --width 64 --height 64 --seed 1 -o /dev/null --trace OUT.safetensors",
		"a network":           "run vae-decoder -m " + model("c") + " --in " + inputs[0] + " --out OUT.safetensors",
	}
	if testing.Short() { // one for each way to write
		maps.DeleteFunc(all, func(name, _ string) bool {
			return !slices.Contains([]string{"convert a file", "convert a folder", "vectors of NumPy", "a picture"}, name)
		})
	}
	return all
}

// files returns what lies in a folder and below.
func files(t *testing.T, folder string) map[string]string {
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		all[name] = string(data)
		return err
	}))
	return all
}

// made returns the files that a command makes where nothing goes wrong.
func made(t *testing.T, args string) map[string]string {
	folder := t.TempDir()
	stderr, err := command(t, folder, nil, args)
	require.NoError(t, err, stderr)
	return files(t, folder)
}

// TestFullDisks: whatever a command writes, where the disk takes only so much of it
// the command says so in a line, what was there stays, and nothing else is left.
func TestFullDisks(t *testing.T) {
	for name, args := range writers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, largest := made(t, args), 0
			for _, data := range want {
				largest = max(largest, len(data))
			}
			for _, limit := range []int{0, 1, largest / 2, largest - 1} {
				folder := t.TempDir()
				before := map[string]string{}
				for file := range want {
					if !strings.Contains(args, "convert") { // which writes over nothing
						before[file] = "what was there"
						require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(before[file]), 0o600))
					}
				}
				stderr, err := command(t, folder, []string{fmt.Sprintf("%s=%d", fileLimit, limit)}, args)
				var exit *exec.ExitError
				require.True(t, errors.As(err, &exit) && exit.ExitCode() == 1, "%d bytes: %v\n%s", limit, err, stderr)
				require.Contains(t, stderr, "file too large", "%d bytes", limit)
				require.Contains(t, stderr, "OUT", "%d bytes", limit)
				require.NotContains(t, stderr, "goroutine")
				after := files(t, folder)
				for file := range after { // a journal is kept for the next run, and what is whole
					if strings.HasSuffix(file, ".part") || after[file] == want[file] {
						delete(after, file)
						delete(before, file)
					}
				}
				require.Equal(t, before, after, "%d bytes", limit)
			}
			stderr, err := command(t, t.TempDir(), []string{fmt.Sprintf("%s=%d", fileLimit, 4*largest)}, args)
			require.NoError(t, err, stderr)
		})
	}
}

// TestKilledWriters: a run that is killed at any time leaves what was there or all
// of the new, and what else it left the next run removes.
func TestKilledWriters(t *testing.T) {
	for name, args := range writers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, total, killed := made(t, args), 0, 0
			for _, data := range want {
				total += len(data) + 1
			}
			for _, at := range []int{1, total / 4, total / 2, total - 1} {
				folder := t.TempDir()
				if _, err := command(t, folder, []string{fmt.Sprintf("%s=%s:%d", dieWhen, folder, at)}, args); err != nil {
					killed++
				}
				for file, data := range files(t, folder) {
					if base := filepath.Base(file); base[0] != '.' && !strings.HasSuffix(base, ".part") && file[0] != '.' {
						require.True(t, want[file] == data, "%s is there in part", file)
					}
				}
				if strings.HasPrefix(args, "convert") { // which writes over nothing
					for file := range want {
						require.NoError(t, os.RemoveAll(filepath.Join(folder, strings.Split(file, string(filepath.Separator))[0])))
					}
				}
				stderr, err := command(t, folder, nil, args)
				require.NoError(t, err, stderr)
				after := files(t, folder)
				require.Len(t, after, len(want), "%d bytes", at)
				for file, data := range want {
					require.True(t, data == after[file], "%s after %d bytes", file, at)
				}
			}
			require.Positive(t, killed)
		})
	}
}
