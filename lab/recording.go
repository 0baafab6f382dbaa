package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// Recording is a run of a sampler on a model: enough to run it again without the model.
type Recording struct {
	Sampler        string    `json:"sampler"`
	Sigmas         []float64 `json:"sigmas"`
	FirstOrderLast bool      `json:"first_order_last"`
	Levels         []float64 `json:"levels"` // noise level of each call of the denoiser
	// The run's options of noise and order; see sched.Run.
	Eta      *float64       `json:"eta,omitempty"`
	SNoise   *float64       `json:"s_noise,omitempty"`
	Churn    sched.Churn    `json:"churn,omitzero"`
	Restart  *sched.Restart `json:"restart,omitempty"`
	Order    int            `json:"order,omitempty"`
	Training []float64      `json:"training_levels,omitempty"`

	start, latents []float32
	calls          [][2][]float32 // x and its denoised
	noise          [][]float32    // each draw
}

// Record runs a sampler from the model's noise and keeps what the denoiser was
// asked and what it gave.
func Record(ctx context.Context, m Model, s sched.Sampler, sigmas []float64) (*Recording, error) {
	rec := &Recording{Sampler: s.Name, Sigmas: sigmas, start: start(m, sigmas[0])}
	listening := hooked(s, func(r *sched.Run[float32]) {
		rec.FirstOrderLast, rec.Eta, rec.SNoise, rec.Churn, rec.Restart, rec.Order, rec.Training = r.FirstOrderLast, r.Eta,
			r.SNoise, r.Churn, r.Restart, r.Order, r.Levels
		denoise := r.Denoise
		r.Denoise = func(ctx context.Context, denoised, x []float32, sigma float64) error {
			if err := denoise(ctx, denoised, x, sigma); err != nil {
				return err
			}
			rec.Levels = append(rec.Levels, sigma)
			rec.calls = append(rec.calls, [2][]float32{slices.Clone(x), slices.Clone(denoised)})
			return nil
		}
		r.Noise = noiseRecorder{r.Noise, rec}
	})
	rec.latents = slices.Clone(rec.start)
	return rec, m.Run(ctx, listening, rec.latents, sigmas)
}

// noiseRecorder keeps what is drawn.
type noiseRecorder struct {
	sched.Noise
	rec *Recording
}

func (n noiseRecorder) Normal(dst []float32) {
	n.Noise.Normal(dst)
	n.rec.noise = append(n.rec.noise, slices.Clone(dst))
}

// Between implements sched.StepNoise.
func (n noiseRecorder) Between(dst []float32, from, to float64) {
	sched.Draw(n.Noise, dst, from, to)
	n.rec.noise = append(n.rec.noise, slices.Clone(dst))
}

// Latents returns what the recorded run ended with.
func (rec *Recording) Latents() []float32 { return rec.latents }

// tolerance is how far, relatively, a run may be off the recording: what
// rounding in another order does.
const tolerance = 1e-4

// Replay runs a sampler with the recorded answers and returns the latents. It
// fails where the sampler asks for something that was not recorded.
func (rec *Recording) Replay(ctx context.Context, s sched.Sampler) ([]float32, error) {
	x, call := slices.Clone(rec.start), 0
	err := s.F32(ctx, &sched.Run[float32]{
		X: x, Sigmas: rec.Sigmas, FirstOrderLast: rec.FirstOrderLast, Noise: &storedNoise{rec.noise},
		Eta: rec.Eta, SNoise: rec.SNoise, Churn: rec.Churn, Restart: rec.Restart, Order: rec.Order, Levels: rec.Training,
		Denoise: func(_ context.Context, denoised, x []float32, sigma float64) error {
			if call == len(rec.calls) {
				return fmt.Errorf("lab: %s calls the denoiser more than the %d times that are recorded of %s", s.Name, call, rec.Sampler)
			}
			at := rec.calls[call]
			if off := distance(x, at[0]); sigma != rec.Levels[call] || !(off <= tolerance) {
				return fmt.Errorf("lab: %s leaves the recording of %s at call %d: sigma %g and recorded %g, x is off by %.2g",
					s.Name, rec.Sampler, call+1, sigma, rec.Levels[call], off)
			}
			copy(denoised, at[1])
			call++
			return nil
		},
	})
	return x, err
}

// storedNoise gives recorded draws, and zeros past them.
type storedNoise struct{ left [][]float32 }

func (n *storedNoise) Normal(dst []float32) {
	clear(dst)
	if len(n.left) > 0 {
		copy(dst, n.left[0])
		n.left = n.left[1:]
	}
}

// recordingKey names the recording's description in a file's metadata.
const recordingKey = "easel.recording"

// Write writes the recording as safetensors.
func (rec *Recording) Write(w io.Writer) error {
	text, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	tensors := make(map[string]*tensor.Tensor)
	add := func(name string, v []float32) {
		if t, e := tensor.FromSlice(v, len(v)); e != nil {
			err = e
		} else {
			tensors[name] = t
		}
	}
	add("start", rec.start)
	add("latents", rec.latents)
	for i, c := range rec.calls {
		add(fmt.Sprintf("x_%03d", i), c[0])
		add(fmt.Sprintf("denoised_%03d", i), c[1])
	}
	for i, v := range rec.noise {
		add(fmt.Sprintf("noise_%03d", i), v)
	}
	if err != nil {
		return err
	}
	return safetensors.Write(w, tensors, map[string]string{recordingKey: string(text)})
}

// ReadRecording reads a recording.
func ReadRecording(path string) (*Recording, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: "+format, append([]any{path}, args...)...)
	}
	text, ok := f.Metadata()[recordingKey]
	if !ok {
		return nil, fail("no recording of a sampler, want a file that lab replay wrote")
	}
	rec := new(Recording)
	if err := json.Unmarshal([]byte(text), rec); err != nil {
		return nil, fail("%w", err)
	}
	n := -1
	read := func(name string) (v []float32) {
		t, e := f.Tensor(name)
		if e == nil {
			v, e = numbers(t)
		}
		if e == nil && n >= 0 && len(v) != n {
			e = fmt.Errorf("tensor %s has %d numbers, want the %d of start", name, len(v), n)
		}
		if err == nil && e != nil {
			err = fail("%w", e)
		}
		return v
	}
	rec.start = read("start")
	n = len(rec.start)
	rec.latents = read("latents")
	for i := range rec.Levels {
		if err != nil {
			return nil, err
		}
		rec.calls = append(rec.calls, [2][]float32{read(fmt.Sprintf("x_%03d", i)), read(fmt.Sprintf("denoised_%03d", i))})
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("noise_%03d", i)
		if _, ok := f.Info(name); !ok || err != nil {
			if err == nil && (n == 0 || len(rec.Sigmas) < 2) {
				err = fail("%d numbers and %d sigmas, want some and at least 2", n, len(rec.Sigmas))
			}
			return rec, err
		}
		rec.noise = append(rec.noise, read(name))
	}
}

// numbers copies a tensor of float32 out of its file.
func numbers(t *tensor.Tensor) ([]float32, error) {
	if t.DType() != tensor.F32 {
		return nil, fmt.Errorf("numbers are %v, want F32", t.DType())
	}
	c, err := t.Contiguous()
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.Float32s()), nil
}
