package sdxl

import (
	"cmp"
	"image"

	"github.com/df65613c/easel/internal/ptr"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// The values of Options.Steps, CFG and Strength where these are nil.
const (
	DefaultSteps    = 30
	DefaultCFG      = 5.0
	DefaultStrength = 0.3
)

// Options says what picture to make. The zero value with a Prompt works.
//
// This is the one list of what makes a picture: its JSON is what the file of a
// picture holds, and the names there are those of requests and, with dashes, of
// flags. Fields without a JSON name are not kept in files.
type Options struct {
	Prompt string `json:"prompt"`
	// Negative is what not to draw. nil is no negative prompt, for which most
	// models take zeros; a pointer to "" is the encoded empty text.
	Negative *string `json:"negative_prompt,omitempty"`
	// Prompts, if not nil, stand for Prompt and Negative, by weight.
	Prompts []WeightedPrompt `json:"prompts,omitempty"`
	// Prompt2 and Negative2 are what the second text encoder reads, which also
	// gives the pooled embedding; nil is the same as the first.
	Prompt2      *string `json:"prompt_2,omitempty"`
	Negative2    *string `json:"negative_prompt_2,omitempty"`
	PromptSyntax string  `json:"prompt_syntax,omitempty"` // one of prompt.Syntaxes; "" is plain
	// ClipSkip takes the texts' hidden states from an earlier layer, and counts
	// as the program of Dialect does. In diffusers it is the number of layers
	// before the usual one, and with PromptSyntax diffusers it applies to the
	// prompt, not to the negative prompt. In comfy it is the layer counted from
	// the end, 2 being the usual one. In a1111 it has no effect on SDXL.
	ClipSkip int `json:"clip_skip,omitempty"`

	// Adapters are LoRAs and their kin, of the pipeline's library. Their changes add up.
	Adapters []Adapter `json:"adapters,omitempty"`

	Width  int      `json:"width"` // multiples of 8; 0 is the model's size, or the picture's for image-to-image
	Height int      `json:"height"`
	Steps  *int     `json:"steps,omitempty"`     // nil is DefaultSteps
	CFG    *float64 `json:"cfg_scale,omitempty"` // guidance scale; nil is DefaultCFG, or 0.6 for cfg++; 1 or less is none
	Seed   *int64   `json:"seed,omitempty"`      // of the noise; nil draws one
	// Batch is the number of pictures; nil is 1. Their noise comes from one
	// stream, or in a1111's dialect from the seeds Seed, Seed+1, and so on.
	Batch *int    `json:"batch,omitempty"`
	Seeds []int64 `json:"seeds,omitempty"` // in place of Seed and Batch: a stream of noise for each picture
	// Index, if not nil, is the one picture of the batch that is made, from 0: it
	// is the same as in the batch. Seed may then be given together with Seeds,
	// and says which of them the picture has.
	Index *int   `json:"index,omitempty"`
	Noise string `json:"noise,omitempty"` // one of Noises; "" is torch
	// NoiseFrom draws all noise, if it is not nil, in place of a seed's generator; OnNoise
	// is called with every draw of noise.
	NoiseFrom sched.Noise          `json:"-"`
	OnNoise   func(draw []float32) `json:"-"`
	Variation *Variation           `json:"variation,omitempty"`
	// ENSD is a1111's eta noise seed delta: the noise of steps is that of
	// Seed+ENSD.
	ENSD int64 `json:"ensd,omitempty"`

	Sampler string `json:"sampler,omitempty"` // as sched.ParseSampler reads it; "" is the model's
	// Custom is the caller's own sampler, in place of Sampler. It must have a name.
	Custom   *sched.Sampler `json:"-"`
	Schedule string         `json:"schedule,omitempty"` // as sched.ParseSchedule reads it; "" is the model's
	Spacing  string         `json:"spacing,omitempty"`  // leading, linspace or trailing; "" is the model's
	// Sigmas stand for Schedule and Steps: the noise levels themselves, from high
	// to low, the last one included.
	Sigmas  []float64 `json:"sigmas,omitempty"`
	Dialect string    `json:"dialect,omitempty"` // one of sched.DialectNames, whose meaning names have; "" is diffusers
	Noising

	Guidance guidance.Settings `json:"guidance,omitzero"` // how the two sides become one; the zero value is plain CFG
	PAG      *PAG              `json:"pag,omitempty"`     // nil is none
	// SAG is the scale of self-attention guidance (Hong et al. 2023); 0 is none,
	// and its authors use 0.75.
	SAG   float64     `json:"sag,omitempty"`
	FreeU *unet.FreeU `json:"freeu,omitempty"` // nil is none

	OriginalSize *Size  `json:"original_size,omitempty"` // size conditioning (SDXL paper, section 2.2); nil is Width x Height
	TargetSize   *Size  `json:"target_size,omitempty"`   // nil is Width x Height
	Crop         Corner `json:"crop,omitzero"`           // of the top left corner
	// The same for the negative side; nil is what the positive side has.
	NegativeOriginalSize *Size   `json:"negative_original_size,omitempty"`
	NegativeTargetSize   *Size   `json:"negative_target_size,omitempty"`
	NegativeCrop         *Corner `json:"negative_crop,omitempty"`

	// Image is the picture to start from, resized to Width x Height; nil is text-to-image.
	Image    image.Image `json:"-"`
	Strength *float64    `json:"strength,omitempty"` // how far to leave Image, 0 to 1, by sched.Dialect.TailSteps; nil is DefaultStrength
	// SkipEnd is the share of the steps left out at the end, 0 to 1: the last
	// step that runs goes all the way to a picture without noise.
	SkipEnd float64 `json:"skip_end,omitempty"`

	// Cache, if not "", trades fidelity for time. deepcache:INTERVAL runs the
	// whole UNet once in INTERVAL calls, and only its outermost layers in
	// between; deepcache:INTERVAL:BRANCH runs BRANCH more levels of layers (Ma et
	// al. 2023). first-block:THRESHOLD runs the first ResNet block, and the rest
	// only if the block's residual has changed by this share since the rest last
	// ran.
	Cache string `json:"cache,omitempty"`

	// MostCalls bounds how often the UNet is run, counted for each side of
	// guidance; 0 is no limit. A picture that needs more fails before it is
	// begun. With dpm_adaptive, whose calls depend on the picture, it fails when
	// it exceeds the limit.
	MostCalls int `json:"-"`
	// Progress is called after each step, from the goroutine of Generate.
	Progress func(Progress) `json:"-"`
	// Trace, if not nil, takes the tensors of the run: noise, embeddings,
	// sigmas, timesteps, and the latents after each step as the reference shows them.
	Trace map[string]*tensor.Tensor `json:"-"`
}

// Noising says how much noise a sampler adds on its way, and of which order it
// is. The zero value is each sampler's own.
type Noising struct {
	Eta     *float64       `json:"eta,omitempty"`     // see sched.Run
	SNoise  *float64       `json:"s_noise,omitempty"` // what added noise is multiplied by; nil is 1
	Churn   *sched.Churn   `json:"s_churn,omitempty"` // for euler, heun and dpm_2; nil is none
	Restart *sched.Restart `json:"restart,omitempty"` // for restart; nil is its own
	Order   int            `json:"order,omitempty"`   // the highest order of a multistep sampler; 0 is its own
}

// tell sets what a run is told.
func (n *Noising) tell(r *sched.Run[float32]) {
	r.Eta, r.SNoise, r.Churn, r.Restart, r.Order = n.Eta, n.SNoise, ptr.Or(n.Churn, sched.Churn{}), n.Restart,
		cmp.Or(n.Order, r.Order)
}
