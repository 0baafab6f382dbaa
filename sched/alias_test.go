package sched

import (
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
		"dpmp_2m": "the nearest are dpmpp_2m, dpm_2, ", "eular": "the nearest are euler, euler_a, ", "DPM++ 2X": "dpmpp_2m, dpmpp_2s", "unipc3": "uni_pc, ", "heunpp2": "heun",
	} {
		_, _, err := ParseSampler(text)
		require.ErrorContains(t, err, want)
	}
	_, err := ParseSchedule("karas")
	require.ErrorContains(t, err, `no schedule "karas"; the nearest are karras, `)
	_, err = DefaultConfig().New(Overrides{Sampler: "DPM++ 2M Karras", Schedule: "exponential"}, 5)
	require.ErrorContains(t, err, "want one of them")
}
