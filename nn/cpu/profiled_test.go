package cpu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

func TestProfileNamesOperationsAndWeights(t *testing.T) {
	profile := new(profile.Profile)
	b := cpu.New(cpu.Options{Threads: 2, Profile: profile})
	defer b.Close()
	g, err := nn.Record(network)
	require.NoError(t, err)
	exe, err := nn.Compile(context.Background(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	require.NoError(t, exe.Run(context.Background(), nn.Tensors(tensor.New(tensor.F32, 2, 32, 16, 16)), nn.Tensors(filled(2, 16, 16, 32))))

	var table, trace bytes.Buffer
	require.NoError(t, profile.WriteTable(&table))
	for _, op := range []string{"Conv2D", "Linear", "Attention", "GEGLU"} {
		require.Contains(t, table.String(), op)
	}
	require.NoError(t, profile.WriteTrace(&trace))
	var got struct {
		TraceEvents []struct {
			Name, Ph string
			Ts, Dur  float64
			Args     map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(trace.Bytes(), &got))
	weights, end := map[string]bool{}, 0.0
	for _, e := range got.TraceEvents {
		require.Equal(t, "X", e.Ph)
		require.GreaterOrEqual(t, e.Ts, end-1, "passes run one after the other")
		end = e.Ts + e.Dur
		weights[e.Args["weight"]] = true
	}
	require.True(t, weights["conv"] && weights["down"] && weights["o"])
}
