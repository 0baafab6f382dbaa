package sched

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAliases(t *testing.T) {
	require.Len(t, SamplerAliases(), 10)
	for _, name := range SamplerAliases() {
		s, err := SamplerNamed(name)
		require.NoError(t, err)
		schedule, err := DefaultConfig().New(Overrides{Sampler: name}, 10)
		require.NoError(t, err)
		require.Equal(t, s.Name, schedule.Sampler.Name)
		require.Equal(t, s.Name == "dpmpp_2m" || s.Name == "ddim" || s.Name == "ddpm", schedule.VP)
	}
	_, err := SamplerNamed("K_NONE")
	require.ErrorContains(t, err, `no sampler "K_NONE"; the nearest are `)
}

// Names as programs write them: AUTOMATIC1111's web UI, ComfyUI, InvokeAI,
// diffusers and Stability's API.
func TestNamesAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string][2]string{
		"DPM++ 2M Karras": {"dpmpp_2m", "karras"}, "Euler a": {"euler_a", ""}, "euler A": {"euler_a", ""}, "DPM++ 2M SDE Heun Exponential": {"dpmpp_2m_sde_heun", "exponential"},
		"DPM++ 3M SDE Karras": {"dpmpp_3m_sde", "karras"}, "DPM2 a Karras": {"dpm_2_a", "karras"}, "DPM2": {"dpm_2", ""}, "LMS Karras": {"lms", "karras"}, "DPM fast": {"dpm_fast", ""},
		"DPM adaptive": {"dpm_adaptive", ""}, "DPM++ 2S a Karras": {"dpmpp_2s_a", "karras"}, "Restart": {"restart", ""}, "UniPC": {"uni_pc", ""}, "PLMS": {"plms", ""}, "DDIM": {"ddim", ""},
		"DPM++ SDE": {"dpmpp_sde", ""}, "euler_ancestral": {"euler_a", ""}, "dpmpp_2s_ancestral": {"dpmpp_2s_a", ""}, "dpmpp_2m_sde_gpu": {"dpmpp_2m_sde", ""}, "uni_pc_bh2": {"uni_pc_bh2", ""},
		"dpmpp_2m_k": {"dpmpp_2m", "karras"}, "euler_k": {"euler", "karras"}, "kdpm_2_a": {"dpm_2_a", ""}, "EulerAncestralDiscreteScheduler": {"EulerAncestralDiscreteScheduler", ""},
		"DPMSolverMultistep": {"DPMSolverMultistepScheduler", ""}, "K_EULER": {"euler", ""}, "K_DPMPP_2S_ANCESTRAL": {"dpmpp_2s_a", ""}, " dpm++ 2m  sgm uniform": {"dpmpp_2m", "sgm_uniform"},
		"Euler Align Your Steps": {"euler", "align_your_steps"}, "LCM": {"lcm", ""}, "DPM++ 2M beta": {"dpmpp_2m", "beta"}, "dpmpp-2m-sde karras": {"dpmpp_2m_sde", "karras"},
		"multistep/res_2m": {"res_multistep", ""}, "res_2m": {"res_multistep", ""}, "exponential/res_5s_hochbruck-ostermann": {"exp_rk4", ""}, "exponential/res_5s": {"exp_rk4", ""}, "linear/heun_2s": {"heun", ""},
		"k_euler_a": {"euler_a", ""}, "k_dpmpp_2": {"dpmpp_2m", ""}, "k_dpmpp_2_a": {"dpmpp_2s_a", ""}, "k_dpmpp_2m_sde_exp": {"dpmpp_2m_sde", "exponential"}, "k_dpm_2_a_ka": {"dpm_2_a", "karras"},
		"k_lms": {"lms", ""}, "kdpm_2_k": {"dpm_2", "karras"}, "k_dpm_ad": {"dpm_adaptive", ""}, "pndm": {"PNDMScheduler", ""}, "unipc_k": {"uni_pc", "karras"},
		"linear/euler": {"euler", ""}, "heunpp2": {"heunpp2", ""}, "dpmpp_3m_k": {"dpmpp_3m", "karras"}, "exp_heun_2_x0": {"exp_heun_2_x0", ""}, "ER SDE Karras": {"er_sde", "karras"}, "exponential/ddim": {"ddim", ""}, "multistep/dpmpp_2m": {"dpmpp_2m", ""},
	} {
		sampler, schedule, err := ParseSampler(text)
		require.NoError(t, err, text)
		require.Equal(t, want, [2]string{sampler, schedule}, text)
		if schedule != "" {
			s, err := DefaultConfig().New(Overrides{Sampler: text}, 6)
			require.NoError(t, err, text)
			require.Equal(t, schedule, s.Name, text)
		}
	}
	for _, name := range append(SamplerNames(), Classes()...) {
		found, schedule, err := ParseSampler(name)
		require.NoError(t, err)
		require.Equal(t, [2]string{name, ""}, [2]string{found, schedule})
	}
	for _, name := range ScheduleNames() {
		found, err := ParseSchedule(name)
		require.NoError(t, err)
		require.Equal(t, name, found)
	}
	for text, want := range map[string]string{
		"dpmp_2m": "the nearest are dpmpp_2m, dpm_2, ", "eular": "the nearest are euler, euler_a, ", "DPM++ 2X": "dpmpp_2m, dpmpp_2s", "unipc3": "uni_pc, ", "sa_solver_pece": "sa_solver",
	} {
		_, _, err := ParseSampler(text)
		require.ErrorContains(t, err, want)
	}
	_, err := ParseSchedule("karas")
	require.ErrorContains(t, err, `no schedule "karas"; the nearest are karras, `)
	for text, want := range map[string]string{"Align Your Steps GITS": "align_your_steps_gits", "Align Your Steps 11": "align_your_steps", "Align Your Steps 32": "align_your_steps_32"} {
		found, err := ParseSchedule(text)
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	_, err = DefaultConfig().New(Overrides{Sampler: "DPM++ 2M Karras", Schedule: "exponential"}, 5)
	require.ErrorContains(t, err, "want one of them")
}

// Every name runs in every dialect, along every schedule, whole, from a picture
// and cut short.
func TestEveryNameRuns(t *testing.T) {
	refused := map[string]bool{}
	for _, dialect := range DialectNames() {
		for _, name := range append(SamplerNames(), Classes()...) {
			for _, schedule := range append(ScheduleNames(), "") {
				o := Overrides{Sampler: name, Schedule: schedule, Dialect: dialect}
				whole, err := DefaultConfig().New(o, 6)
				if err != nil {
					refused[name+": "+err.Error()] = true
					continue
				}
				tail, err := DefaultConfig().NewTail(o, 6, 0.7)
				require.NoError(t, err, o)
				for _, s := range []*Schedule{whole, tail, whole.Until(0.3), tail.Until(0.3)} {
					noise, x := NewTorchNoise(1), make([]float32, stateSize)
					noise.Normal(x)
					for i := range x {
						x[i] *= float32(s.FirstScale())
					}
					r := NewRun(s, x, 2)
					r.Noise, r.Denoise = noise, NewDenoise(smallNetwork[float32], s.Prediction, s.Time, len(x))
					require.NoError(t, s.Sampler.F32(context.Background(), r), "%+v", o)
					for _, v := range x {
						require.Less(t, math.Abs(float64(v)), 1e5, "%+v, %d of %d steps", o, len(s.Timesteps), len(whole.Timesteps))
					}
				}
			}
		}
	}
	for err := range refused {
		require.Contains(t, err, "Scheduler: ", "names are never refused, classes by their reason")
	}
}

// Samplers that go by timesteps say so, where a run has none.
func TestClassesWantTimesteps(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Sampler: "ddim"}, 5)
	require.NoError(t, err)
	err = s.Sampler.F32(context.Background(), &Run[float32]{X: make([]float32, 4), Sigmas: s.Sigmas, Denoise: denoiser[float32]("gaussian")})
	require.ErrorIs(t, err, ErrNoTimesteps)
}

// A run of which noise alone is left is an error.
func TestNoiseAlone(t *testing.T) {
	for _, name := range []string{"dpm_fast", "dpm_adaptive"} {
		s, err := DefaultConfig().New(Overrides{Sampler: name}, 1)
		require.NoError(t, err)
		r := NewRun(s, []float32{1, 2}, 1)
		r.Denoise = denoiser[float32]("gaussian")
		require.ErrorContains(t, s.Sampler.F32(context.Background(), r), "leaves noise alone; want more steps", name)
	}
	for _, o := range []Overrides{{Sampler: "deis", Schedule: "karras"}, {Sampler: "sa_solver", Schedule: "exponential"}, {Sampler: "ddim", Dialect: "a1111"}, {Sigmas: []float64{5, 5}}} {
		_, err := DefaultConfig().New(o, 1)
		require.ErrorContains(t, err, "noise alone", o)
	}
}

// An option that a sampler does not use is an error, before and in the run.
func TestUnusedOptions(t *testing.T) {
	s, err := SamplerNamed("euler")
	require.NoError(t, err)
	r := &Run[float32]{X: []float32{1}, Sigmas: []float64{1, 0}, Denoise: denoiser[float32]("gaussian"), Eta: new(0.5), Order: 2, Restart: &Restart{}, SNoise: new(1.0)}
	for _, err := range []error{s.Check(r), s.F32(context.Background(), r)} {
		require.ErrorContains(t, err, "Eta is set, and the sampler euler has none; it is for euler_a, ")
		require.ErrorContains(t, err, "Order is set")
		require.ErrorContains(t, err, "Restart is set")
		require.NotContains(t, err.Error(), "SNoise")
	}
	s.Keep(r)
	require.NoError(t, s.Check(r))
	require.NoError(t, s.F32(context.Background(), r))
}
