package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
)

func TestFaultMessages(t *testing.T) {
	for want, err := range map[string]error{
		"--cfg is NaN, want a number; --weighted have none": sdxl.FieldErrors{{Field: "cfg_scale", Message: "is NaN, want a number"}, {Field: "prompts", Message: "have none"}},
		"--steps is 0":           sdxl.FieldErrors{{Field: "steps", Message: "is 0"}},
		"no sampler":             errors.New("sched: no sampler"),
		"a/model: no UNet; b: x": fmt.Errorf("a/model: no UNet\nb: sdxl: x"),
		"one; two":               errors.New("nn: one\nsdxl: two"),
	} {
		require.Equal(t, want, faultMessage(err))
	}
	require.Equal(t, "--steps is 0", faultMessage(&sdxl.FieldError{Field: "steps", Message: "is 0"}))
}

// TestWhatWouldDoNothingIsAFault: a flag that would be passed over without a word.
func TestWhatWouldDoNothingIsAFault(t *testing.T) {
	dir := t.TempDir()
	single := golden.Path("b", "single.safetensors")
	for want, args := range map[string][]string{
		"--pag-layers is given without --pag-scale":                                 {"--pag-layers", "mid"},
		"--variation-seed is given without --variation-strength":                    {"--variation-seed", "3"},
		"--eta is given, and the sampler euler has none":                            {"--sampler", "euler", "--eta", "0.5"},
		"--order is given, and the sampler euler has none":                          {"--sampler", "euler", "--eta", "0.5", "--order", "2"},
		"--s-churn is given, and the sampler dpmpp_2m has none":                     {"--sampler", "dpmpp_2m", "--s-churn", "1"},
		"--restart is given, and the sampler heun has none":                         {"--sampler", "heun", "--restart", "0.1,2,5,1"},
		"restart would restart nothing: in a run of 1 steps":                        {"--sampler", "restart", "--sigmas", "14,0", "--steps", "1"},
		"this folder has its own configuration; " + model("b") + " is for a single": {"--config", model("b")},
		`this is one file, and variant "fp16" is for folders`:                       {"-m", single, "--variant", "fp16", "--config", model("b")},
		"--spill-dir no/such: want a folder that is there":                          {"--memory", "1GB", "--spill-dir", "no/such"},
		"standard input has no prompt":                                              {"-p", "-"},
	} {
		if !slices.Contains(args, "-p") {
			args = append([]string{"x"}, args...)
		}
		_, _, err := run(t, t.Context(), "\n", append([]string{"txt2img", "-m", model("a"), "--steps", "2", "--width", "64", "--height", "64", "-o", filepath.Join(dir, "out.png")}, args...)...)
		require.Error(t, err, want)
		require.Contains(t, faultMessage(err), want)
		requireEmpty(t, dir)
	}
}

// TestOptionsHaveFlags: an option that a picture's file holds has a flag, so that
// a fault of it can be told by that.
func TestOptionsHaveFlags(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[sdxl.Options]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || name == "variation" || name == "adapters" { // whose fields have flags
			continue
		}
		require.True(t, strings.HasPrefix(flagOf(name), "--"), name)
	}
}
