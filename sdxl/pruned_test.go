package sdxl_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// hashedUNet is a UNet as testdata describes it: its weights follow from names and shapes.
type hashedUNet struct {
	Config, Scheduler json.RawMessage
	Tensors           []hashedTensor
}

// hashedTensor is a parameter's name in diffusers and in a single file, and its shape.
type hashedTensor struct {
	name, single string
	shape        []int
}

func (h *hashedTensor) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&h.name, &h.single, &h.shape})
}

func readHashed(t testing.TB, path string) (u hashedUNet) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(z).Decode(&u))
	return u
}

// values are those of hashed.py.
func (h *hashedTensor) values() *tensor.Tensor {
	x := tensor.New(tensor.F32, h.shape...)
	seed := crc32.ChecksumIEEE([]byte(h.name))
	scale, add := float32(math.Sqrt(3/float64(tensor.Shape(h.shape[1:]).NumElements()))), float32(0)
	switch {
	case strings.HasSuffix(h.name, "bias"):
		scale = 0.1
	case len(h.shape) == 1:
		scale, add = 0.25, 1
	}
	for i := range x.Float32s() {
		v := seed + uint32(i)
		v = (v ^ v>>16) * 0x85ebca6b
		v = (v ^ v>>13) * 0xc2b2ae35
		x.Float32s()[i] = float32(float32(int32(v^v>>16)>>8)*0x1p-23*scale) + add
	}
	return x
}

// write puts the UNet into a folder of diffusers and into a single file, and returns their paths.
func (u *hashedUNet) write(t testing.TB) (folder, single string) {
	dir := t.TempDir()
	folder, single = filepath.Join(dir, "unet"), filepath.Join(dir, "single.safetensors")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), u.Config, 0o600))
	byName, bySingle := make(map[string]*tensor.Tensor), make(map[string]*tensor.Tensor)
	for _, h := range u.Tensors {
		byName[h.name] = h.values()
		bySingle["model.diffusion_model."+h.single] = byName[h.name]
	}
	write(t, filepath.Join(folder, "diffusion_pytorch_model.safetensors"), byName)
	write(t, single, bySingle)
	return folder, single
}

// TestPrunedUNets draws with UNets of the structures of SSD-1B, Segmind Vega, KOALA and others with layers of several depths, from
// diffusers' folders, from single files whose structure is read off their tensors, and from such with diffusers' names.
func TestPrunedUNets(t *testing.T) {
	want := golden.Tensors(t, golden.Path("pruned", "latents.safetensors"))
	b := backend(t, 2)
	for name, steps := range want {
		t.Run(name, func(t *testing.T) {
			u := readHashed(t, golden.Path("pruned", name+".json.gz"))
			folder, single := u.write(t)
			n, each := steps.Shape()[0], steps.NumElements()/steps.Shape()[0]
			var first []float32
			for _, path := range []string{folder, single, filepath.Join(folder, "diffusion_pytorch_model.safetensors")} {
				m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{UNet: path})
				if first != nil {
					require.Equal(t, first[:each], stepLatents(t, b, m, n, 1), "%s", path)
				} else {
					first = stepLatents(t, b, m, n, n)
					for i := range n {
						e := golden.RelErr(first[i*each:(i+1)*each], steps.Float32s()[i*each:(i+1)*each])
						t.Logf("step %d: %.1e", i, e)
						require.Less(t, e, 1e-4)
					}
				}
			}
		})
	}
}

// stepLatents returns the latents after each step of a picture of the model, until so many.
func stepLatents(t testing.TB, b nn.Backend, m *sdxl.Model, steps, until int) (all []float32) {
	seed, cfg := int64(11), 4.0
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := sdxl.Options{Prompt: "a red circle", Negative: new("a moon"), Steps: &steps, CFG: &cfg, Seed: &seed, Width: 64, Height: 64}
	o.Progress = func(p sdxl.Progress) {
		if all = append(all, p.Latents.Float32s()...); p.Step == until {
			stop()
		}
	}
	_, err := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}).Generate(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	return all
}

// TestPrunedUNetsThatDoNotFit names what is wrong with a structure.
func TestPrunedUNetsThatDoNotFit(t *testing.T) {
	u := readHashed(t, golden.Path("pruned", "uneven.json.gz"))
	folder, single := u.write(t)
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	require.NoError(t, err)
	for from, to := range map[string][2]string{
		`"transformer_layers_per_block":[1,2,1]`:      {`"transformer_layers_per_block":[1,[2,2],1]`, "reverse_transformer_layers_per_block is missing, want it beside lists in transformer_layers_per_block"},
		`"reverse_transformer_layers_per_block":null`: {`"reverse_transformer_layers_per_block":[1,[2,2],1]`, "reverse_transformer_layers_per_block[1] has 2 entries, want 3, one for each layer"},
		`"layers_per_block":[1,2,1]`:                  {`"layers_per_block":[1,2]`, "layers_per_block has 2 entries, want 3, one for each block"},
		`"mid_block_type":"UNetMidBlock2DCrossAttn"`:  {`"mid_block_type":"UNetMidBlock2DSimpleCrossAttn"`, `mid_block_type is "UNetMidBlock2DSimpleCrossAttn", want "UNetMidBlock2DCrossAttn", "UNetMidBlock2D" or null`},
	} {
		changed := strings.Replace(string(config), from, to[0], 1)
		require.NotEqual(t, string(config), changed, from)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), []byte(changed), 0o600))
		_, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{UNet: folder})
		require.ErrorContains(t, err, to[1])
	}
	tensors := golden.Tensors(t, single)
	const at = "model.diffusion_model.middle_block.1.transformer_blocks."
	for key, x := range tensors {
		if rest, ok := strings.CutPrefix(key, at+"0."); ok {
			tensors[at+"1."+rest] = x
		}
	}
	path := filepath.Join(t.TempDir(), "deep.safetensors")
	write(t, path, tensors)
	others := golden.Path("c", "model")
	_, err = sdxl.Open("", sdxl.OpenOptions{UNet: path, VAE: others, TextEncoder: others, TextEncoder2: others})
	require.ErrorContains(t, err, "middle_block.1 has 2 transformer blocks and the layers before it have 1, want as many")
}
