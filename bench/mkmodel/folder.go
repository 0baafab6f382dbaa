package mkmodel

import (
	"context"
	"encoding/json"
	"io"

	"os"
	"path/filepath"
	"strings"

	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// WriteFolder writes a diffusers folder in F16. The folder must not exist yet.
func WriteFolder(ctx context.Context, path string, a sdxl.Architecture) error {
	return atomicfile.WriteFolder(path, func(dir string) error { return writeParts(ctx, dir, a) })
}

func writeParts(ctx context.Context, dir string, a sdxl.Architecture) error {
	parts, err := a.Folder()
	if err != nil {
		return err
	}
	for name, config := range map[string]any{
		"model_index.json":                index(),
		"scheduler/scheduler_config.json": schedule(sched.DefaultConfig()),
		"text_encoder/config.json":        described(a.TextL, "model_type", "clip_text_model"),
		"text_encoder_2/config.json":      described(a.TextG, "model_type", "clip_text_model"),
		"unet/config.json":                described(a.UNet, "_class_name", "UNet2DConditionModel"),
		"vae/config.json":                 described(a.VAE, "_class_name", "AutoencoderKL"),
	} {
		data, err := json.MarshalIndent(config, "", "  ")
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	for part, pad := range map[string]string{"tokenizer": "<|endoftext|>", "tokenizer_2": "!"} {
		files, err := tokenizer.CLIPFiles(pad)
		if err != nil {
			return err
		}
		for name, data := range files {
			if err := writeFile(filepath.Join(dir, part, name), data); err != nil {
				return err
			}
		}
	}
	for part, tensors := range parts {
		base := "diffusion_pytorch_model.safetensors"
		if strings.HasPrefix(part, "text_encoder") {
			base = "model.safetensors"
		}
		streams := make(map[string]safetensors.Stream)
		addStreams(ctx, streams, tensors)
		if err := writeStreams(filepath.Join(dir, part, base), streams); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// index names the class of every part.
func index() map[string]any {
	return map[string]any{
		"_class_name":                  "StableDiffusionXLPipeline",
		"force_zeros_for_empty_prompt": true,
		"scheduler":                    []string{"diffusers", "EulerDiscreteScheduler"},
		"text_encoder":                 []string{"transformers", "CLIPTextModel"},
		"text_encoder_2":               []string{"transformers", "CLIPTextModelWithProjection"},
		"tokenizer":                    []string{"transformers", "CLIPTokenizer"},
		"tokenizer_2":                  []string{"transformers", "CLIPTokenizer"},
		"unet":                         []string{"diffusers", "UNet2DConditionModel"},
		"vae":                          []string{"diffusers", "AutoencoderKL"},
	}
}

// schedule is what the base model's scheduler_config.json says.
func schedule(c sched.Config) map[string]any {
	return map[string]any{
		"_class_name": c.Class, "num_train_timesteps": c.TrainTimesteps, "beta_start": c.BetaStart, "beta_end": c.BetaEnd,
		"beta_schedule": c.BetaSchedule, "prediction_type": c.PredictionType, "timestep_spacing": c.TimestepSpacing,
		"steps_offset": c.StepsOffset, "use_karras_sigmas": c.UseKarras, "interpolation_type": c.Interpolation,
	}
}

// described returns the fields that are set and one more, that says what they configure.
func described(config any, key, value string) map[string]any {
	data, err := json.Marshal(config)
	if err != nil {
		panic(err) // configurations are numbers and strings
	}
	fields := map[string]any{}
	if err := json.Unmarshal(data, &fields); err != nil {
		panic(err)
	}
	for k, v := range fields {
		if v == nil {
			delete(fields, k)
		}
	}
	fields[key] = value
	return fields
}
