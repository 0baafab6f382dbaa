package sdxl_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// adapterCase is a case of internal/golden/gen/adapter_refs.py.
type adapterCase struct {
	Name     string
	Seed     int64
	Adapters []sdxl.Adapter
	Prompt   string // with the word made, of an embedding
}

func adapterCases(t *testing.T) (list []adapterCase) {
	data, err := os.ReadFile(golden.Path("adapters", "adapters.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &list))
	return list
}

func adapterLibrary(t testing.TB) *adapt.Library {
	l := &adapt.Library{Dir: golden.Path("adapters")}
	t.Cleanup(func() { l.Close() })
	return l
}

func (c *adapterCase) options() sdxl.Options {
	return sdxl.Options{Prompt: cmp.Or(strings.ReplaceAll(c.Prompt, "made", "<made>"), "a red circle"), Steps: new(3), CFG: new(4.0), Seed: &c.Seed, Width: 64, Height: 64, Adapters: c.Adapters, Trace: map[string]*tensor.Tensor{}}
}

// TestAdapters compares latents after each step with those of diffusers, PEFT and LyCORIS.
func TestAdapters(t *testing.T) {
	m, b := open(t, golden.Path("c", "model"), sdxl.OpenOptions{}), backend(t, 0)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Adapters: adapterLibrary(t), Embeddings: &adapt.Words{Dir: golden.Path("adapters", "words")}})
	defer pipe.Close()
	without := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	defer without.Close()
	want := golden.Tensors(t, golden.Path("adapters", "latents.safetensors"))
	cases := adapterCases(t)
	require.Len(t, want, len(cases))
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			o := c.options()
			_, err := pipe.Generate(t.Context(), o)
			require.NoError(t, err)
			steps := want[c.Name].Float32s()
			size := len(steps) / *o.Steps
			for i := range *o.Steps {
				got := o.Trace[fmt.Sprintf("latents_%03d", i)].Float32s()
				require.Less(t, golden.RelErr(got, steps[i*size:][:size]), 1e-4, "after step %d", i)
			}
			o.Adapters, o.Trace = nil, map[string]*tensor.Tensor{}
			_, err = without.Generate(t.Context(), o)
			require.NoError(t, err)
			require.Greater(t, golden.RelErr(o.Trace["latents"].Float32s(), steps[len(steps)-size:]), 1e-3, "no effect")
		})
	}
}

// recorded keeps the weights that a network asks for.
type recorded struct {
	layers.Weights
	by map[string]*nn.Weight
}

func (r recorded) Weight(name string, shape ...int) *nn.Weight {
	w := r.Weights.Weight(name, shape...)
	r.by[name] = w
	return w
}

// TestDeltas compares what adapters add to weights with what their own libraries add.
func TestDeltas(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	list, err := m.AdapterTargets()
	require.NoError(t, err)
	targets, library := adapt.NewTargets(list), adapterLibrary(t)
	for _, c := range adapterCases(t) {
		if len(c.Adapters) != 1 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			f, err := library.Open(c.Adapters[0].Name)
			require.NoError(t, err)
			fit, err := f.Fit(targets)
			require.NoError(t, err)
			require.NoError(t, fit.Err())
			set := adapt.NewSet([]adapt.Use{{Fitted: fit, UNet: *c.Adapters[0].Weight}})
			plain, changed := recorded{by: map[string]*nn.Weight{}}, recorded{by: map[string]*nn.Weight{}}
			u := m.UNet.With(func(w layers.Weights) layers.Weights { plain.Weights = w; return plain })
			u = u.With(func(w layers.Weights) layers.Weights { changed.Weights = set.Weights("unet", w); return changed })
			_, err = u.Graph(unet.Shape{Batch: 1, Height: 8, Width: 8, Tokens: 77})
			require.NoError(t, err)
			want := golden.Tensors(t, golden.Path("adapters", c.Name+"-deltas.safetensors"))
			require.NotEmpty(t, want)
			for key, delta := range want {
				name := strings.TrimPrefix(key, "unet/")
				before, err := weights.Values(t.Context(), plain.by[name])
				require.NoError(t, err)
				after, err := weights.Values(t.Context(), changed.by[name])
				require.NoError(t, err)
				for i := range after {
					after[i] -= before[i]
				}
				require.Less(t, golden.RelErr(after, delta.Float32s()), 1e-5, key)
			}
		})
	}
}

// TestWithoutAdapters: what was before an adapter is after it, byte by byte, and a
// weight of 0 is no adapter.
func TestWithoutAdapters(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	for _, precision := range []nn.Precision{nn.F32, nn.BF16, nn.Int8} {
		b := cpu.New(cpu.Options{Precision: precision})
		defer b.Close()
		pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Adapters: adapterLibrary(t)})
		defer pipe.Close()
		run := func(adapters ...sdxl.Adapter) []byte {
			o := (&adapterCase{Seed: 5, Adapters: adapters}).options()
			_, err := pipe.Generate(t.Context(), o)
			require.NoError(t, err)
			return o.Trace["latents"].Bytes()
		}
		plain := run()
		half := sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5)}
		changed := run(half)
		require.NotEqual(t, plain, changed)
		require.Equal(t, plain, run())
		require.Equal(t, plain, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.0)}))
		require.Equal(t, changed, run(half))
		require.NotEqual(t, changed, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5), TextWeight: new(0.0)}))
		require.NotEqual(t, changed, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5), Blocks: []sdxl.AdapterBlock{{Name: "mid_block", Weight: 0}}}))
	}
}

// TestAdapterTags: a tag of the web UI's prompts is the adapter of that name, and the
// parameters keep the prompt as it was.
func TestAdapterTags(t *testing.T) {
	pipe := sdxl.NewPipeline(open(t, golden.Path("c", "model"), sdxl.OpenOptions{}), backend(t, 0), sdxl.PipelineOptions{Adapters: adapterLibrary(t)})
	defer pipe.Close()
	run := func(text string, adapters ...sdxl.Adapter) (*sdxl.Result, []byte) {
		o := (&adapterCase{Seed: 5, Adapters: adapters}).options()
		o.Prompt, o.PromptSyntax = text, "a1111"
		r, err := pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		return r, o.Trace["latents"].Bytes()
	}
	const tagged = "a red circle<lora:kohya-sgm:0.5:0.7>"
	r, got := run(tagged)
	require.Equal(t, tagged, r.Parameters.Prompt)
	require.Empty(t, r.Parameters.Adapters)
	_, want := run("a red circle", sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.7), TextWeight: new(0.5)})
	require.Equal(t, want, got)
	r.Parameters.Trace = map[string]*tensor.Tensor{}
	_, err := pipe.Generate(t.Context(), r.Parameters)
	require.NoError(t, err)
	require.Equal(t, want, r.Parameters.Trace["latents"].Bytes(), "made again from its parameters")
	for text, fault := range map[string]string{
		"<lora:none:1>":   `prompt is wrong: no such adapter: "none"; there are `,
		"<lora:peft:1e9>": "prompt has tags of adapters, want at most 32 with weights from -100 to 100",
		"<lora:../c:1>":   "no such adapter",
	} {
		_, err := pipe.Generate(t.Context(), sdxl.Options{Prompt: text, PromptSyntax: "a1111", Steps: new(1)})
		require.ErrorContains(t, err, fault)
	}
}

// TestSeveralAdapters: two at once are the sum of their changes, in any order, and
// requests with different ones at the same time do not mix.
func TestSeveralAdapters(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	list, err := m.AdapterTargets()
	require.NoError(t, err)
	targets, library := adapt.NewTargets(list), adapterLibrary(t)
	values := func(name string, uses ...adapt.Use) []float32 {
		at := recorded{by: map[string]*nn.Weight{}}
		u := m.UNet.With(func(w layers.Weights) layers.Weights { at.Weights = adapt.NewSet(uses).Weights("unet", w); return at })
		_, err := u.Graph(unet.Shape{Batch: 1, Height: 8, Width: 8, Tokens: 77})
		require.NoError(t, err)
		v, err := weights.Values(t.Context(), at.by[name])
		require.NoError(t, err)
		return v
	}
	use := func(name string, weight float64) adapt.Use {
		f, err := library.Open(name)
		require.NoError(t, err)
		fit, err := f.Fit(targets)
		require.NoError(t, err)
		return adapt.Use{Fitted: fit, UNet: weight}
	}
	const name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
	plain := values(name)
	var uses []adapt.Use
	sum := append([]float32{}, plain...)
	for i, kind := range []string{"kohya-sgm", "dora-out", "loha", "lokr", "glora", "oft", "dora-in"} {
		u := use(kind, 0.3+0.1*float64(i))
		uses = append(uses, u)
		for j, v := range values(name, u) {
			sum[j] += v - plain[j]
		}
	}
	require.Less(t, golden.RelErr(values(name, uses...), sum), 1e-5)

	pipe := sdxl.NewPipeline(m, backend(t, 0), sdxl.PipelineOptions{Adapters: library})
	defer pipe.Close()
	run := func(name string) []byte {
		o := (&adapterCase{Seed: 5, Adapters: []sdxl.Adapter{{Name: name}}}).options()
		if _, err := pipe.Generate(t.Context(), o); err != nil {
			return []byte(err.Error())
		}
		return o.Trace["latents"].Bytes()
	}
	names := []string{"dora-out", "loha", "kohya-sgm"}
	var alone [3][]byte
	for i, name := range names {
		alone[i] = run(name)
	}
	var all sync.WaitGroup
	for i := range 9 {
		all.Go(func() {
			if got := run(names[i%3]); !bytes.Equal(got, alone[i%3]) {
				t.Errorf("%s is another picture beside others", names[i%3])
			}
		})
	}
	all.Wait()
}

func TestAdapterFaults(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	dir := t.TempDir()
	write := func(name string, metadata map[string]string, shapes map[string][]int) {
		tensors := map[string]*tensor.Tensor{}
		for key, s := range shapes {
			tensors[key] = tensor.New(tensor.F32, s...)
		}
		require.NoError(t, safetensors.WriteFile(filepath.Join(dir, name+".safetensors"), tensors, metadata))
	}
	const to = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
	write("typo", nil, map[string][]int{to + ".lora_up.weight": {16, 2}, to + ".lora_down.weight": {2, 16}, to + "q.lora_up.weight": {16, 2}, to + "q.lora_down.weight": {2, 16}})
	write("wide", nil, map[string][]int{to + ".lora_up.weight": {20, 2}, to + ".lora_down.weight": {2, 16}})
	write("half", nil, map[string][]int{to + ".lora_up.weight": {16, 2}})
	write("sd15", nil, map[string][]int{"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": {8, 2}, "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": {2, 8},
		"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight": {8, 2}, "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight": {2, 8}})
	write("flux", nil, map[string][]int{"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": {8, 2}, "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": {2, 8}})
	write("sd3", map[string]string{"modelspec.architecture": "stable-diffusion-v3-medium/lora"}, map[string][]int{to + ".lora_up.weight": {20, 2}, to + ".lora_down.weight": {2, 16}})
	write("vae", nil, map[string][]int{"first_stage_model.decoder.conv_in.bias": {4}, "b": {1}})
	write("inversion", nil, map[string][]int{"clip_l": {1, 16}, "clip_g": {1, 16}})
	library := &adapt.Library{Dir: dir}
	defer library.Close()
	pipe := sdxl.NewPipeline(m, backend(t, 0), sdxl.PipelineOptions{Adapters: library})
	defer pipe.Close()
	for name, fault := range map[string]string{
		"typo":      "1 names fit nothing in the model (AllowUnused, --allow-unused of the command, leaves them out): " + to + "q (nearest: " + to + ")",
		"wide":      "does not fit the model: weight mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight[16 16]: wide/" + to + ".lora_up.weight[20 2] and",
		"half":      "has the parts [up], which are no kind of adapter that easel knows",
		"sd15":      "is an adapter for Stable Diffusion 1.5 or 2, not for Stable Diffusion XL",
		"flux":      "is an adapter for Flux, not for Stable Diffusion XL",
		"sd3":       "is an adapter for Stable Diffusion 3, not for Stable Diffusion XL",
		"vae":       "is no adapter: none of its 2 tensors is a part of a LoRA or its kin; it looks like a whole model",
		"inversion": "it looks like a textual inversion",
		"other":     `adapters[0].name is wrong: no such adapter: "other"; there are flux, half, `,
	} {
		_, err := pipe.Generate(t.Context(), sdxl.Options{Adapters: []sdxl.Adapter{{Name: name}}, Steps: new(1)})
		require.ErrorContains(t, err, fault, name)
		var fields *sdxl.FieldError
		require.ErrorAs(t, err, &fields, name)
	}
	lenient := sdxl.NewPipeline(m, backend(t, 0), sdxl.PipelineOptions{Adapters: library, AllowUnused: true})
	defer lenient.Close()
	_, err := lenient.Generate(t.Context(), sdxl.Options{Adapters: []sdxl.Adapter{{Name: "typo"}}, Steps: new(1)})
	require.NoError(t, err)
	_, err = pipe.Generate(t.Context(), sdxl.Options{Adapters: []sdxl.Adapter{{Weight: new(1e6)}}, Steps: new(1)})
	require.ErrorContains(t, err, "adapters[0].name is empty")
	require.ErrorContains(t, err, "adapters[0].weight is 1e+06, want -100 to 100")
	none := sdxl.NewPipeline(m, backend(t, 0), sdxl.PipelineOptions{})
	_, err = none.Generate(t.Context(), sdxl.Options{Adapters: []sdxl.Adapter{{Name: "x"}}, Steps: new(1)})
	require.ErrorContains(t, err, "there is no folder of adapters")
}

// TestEmbeddings: a word of its own is found in every syntax, keeps its weight, stays
// in one chunk in a1111, and may lie in an adapter's file.
func TestEmbeddings(t *testing.T) {
	m, b := open(t, golden.Path("c", "model"), sdxl.OpenOptions{}), backend(t, 0)
	words := &adapt.Words{Dir: golden.Path("adapters", "words")}
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Embeddings: words})
	defer pipe.Close()
	run := func(pipe *sdxl.Pipeline, syntax, text string) []byte {
		o := (&adapterCase{Seed: 5}).options()
		o.Prompt, o.PromptSyntax, o.Steps, o.CFG = text, syntax, new(1), new(1.0) // with no negative side, which the languages have different
		_, err := pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		return o.Trace["latents"].Bytes()
	}
	want := run(pipe, "plain", "a <made> circle")
	require.Equal(t, want, run(pipe, "diffusers", "a <made> circle"))
	require.Equal(t, want, run(pipe, "comfy", "a embedding:made circle"))
	require.Equal(t, want, run(pipe, "a1111", "a made circle"))
	require.NotEqual(t, want, run(pipe, "comfy", "a (embedding:made:1.5) circle"))
	require.NotEqual(t, want, run(pipe, "a1111", "a (made:1.5) circle"))
	require.NotEqual(t, want, run(pipe, "comfy", "a embedding:madeup circle"))
	// 74 tokens leave no room for three vectors.
	long := strings.Repeat("red ", 74)
	require.Equal(t, run(pipe, "a1111", long+" BREAK made"), run(pipe, "a1111", long+"made"))

	f := golden.Tensors(t, golden.Path("adapters", "kohya-diffusers.safetensors"))
	for part, v := range golden.Tensors(t, golden.Path("adapters", "words", "made.safetensors")) {
		f["bundle_emb.inside."+part] = v
	}
	dir := t.TempDir()
	require.NoError(t, safetensors.WriteFile(filepath.Join(dir, "bundle.safetensors"), f, nil))
	library := &adapt.Library{Dir: dir}
	defer library.Close()
	bundled := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Adapters: library})
	defer bundled.Close()
	require.Equal(t, want, run(bundled, "a1111", "a inside circle<lora:bundle:0>"))

	one := func(shapes map[string][]int) error {
		tensors := map[string]*tensor.Tensor{}
		for key, s := range shapes {
			tensors[key] = tensor.New(tensor.F32, s...)
		}
		path := filepath.Join(dir, "one.safetensors")
		require.NoError(t, safetensors.WriteFile(path, tensors, nil))
		_, err := adapt.OpenEmbedding(path, 768, 1280)
		return err
	}
	require.NoError(t, one(map[string][]int{"<thing>": {768}}))
	require.NoError(t, one(map[string][]int{"clip_g": {4, 1280}}))
	require.ErrorContains(t, one(map[string][]int{"emb_params": {2, 1024}}), "tensor emb_params has shape [2 1024]; the text encoders take vectors of 768 (clip_l) and 1280 (clip_g); it may be for Stable Diffusion 2")
	require.ErrorContains(t, one(map[string][]int{"clip_l": {2, 1280}}), "clip_l has shape [2 1280]")
	require.ErrorContains(t, one(map[string][]int{"clip_l": {76, 768}}), "has 76 vectors, want at most 75")
	require.ErrorContains(t, one(map[string][]int{"x": {2, 2, 2}}), "is no textual inversion")
}
