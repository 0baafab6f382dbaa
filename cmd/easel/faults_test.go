package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

func TestFaultMessages(t *testing.T) {
	for want, err := range map[string]error{
		"--cfg is NaN, want a number; --weighted have none": sdxl.FieldErrors{{Field: "cfg_scale", Message: "is NaN, want a number"}, {Field: "prompts", Message: "have none"}},
		"--steps is 0":                 sdxl.FieldErrors{{Field: "steps", Message: "is 0"}},
		"no sampler":                   errors.New("sched: no sampler"),
		"a/model: no UNet; b: sdxl: x": fmt.Errorf("a/model: no UNet\nb: sdxl: x"),
		"one; two":                     errors.New("nn: one\nsdxl: two"),
	} {
		require.Equal(t, want, faultMessage(err))
	}
	require.Equal(t, "--steps is 0", faultMessage(&sdxl.FieldError{Field: "steps", Message: "is 0"}))
}

// TestOptionsHaveFlags: an option that a picture's file holds has a flag, so that
// a fault of it can be told by that.
func TestOptionsHaveFlags(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[sdxl.Options]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || name == "variation" { // whose fields have flags
			continue
		}
		require.True(t, strings.HasPrefix(flagOf(name), "--"), name)
	}
}
