package sched

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Sampler is a named method that goes from noise to x0. A run with an option
// that it does not use is an error.
type Sampler struct {
	Name string
	F32  func(context.Context, *Run[float32]) error
	F64  func(context.Context, *Run[float64]) error

	unused func(*Run[float32]) error // nil uses every option
	keep   func(*Run[float32])
}

// Check returns an error for options of a run that the sampler does not use.
func (s Sampler) Check(r *Run[float32]) error {
	if s.unused == nil {
		return nil
	}
	return s.unused(r)
}

// Keep clears the options of a run that the sampler does not use, so that
// several samplers can run with the same options.
func (s Sampler) Keep(r *Run[float32]) {
	if s.keep != nil {
		s.keep(r)
	}
}

// known is a sampler by name.
type known struct {
	name string
	method
	class  string   // diffusers' scheduler of this name; "" is none
	beside string   // fields of it, as JSON, that replace those of the model's file
	labels []string // how other programs write it, with k_ before it or without
}

// samplers are in the order in which they are listed.
var samplers = []known{
	{"euler", method{takesChurn | takesSNoise, Euler[float32], Euler[float64]}, "EulerDiscreteScheduler", "", []string{"Euler"}},
	{"euler_a", method{takesEta | takesSNoise, EulerAncestral[float32], EulerAncestral[float64]},
		"EulerAncestralDiscreteScheduler", "",
		[]string{"Euler a", "euler_ancestral"}},
	{"dpmpp_2m", method{0, DPMPP2M[float32], DPMPP2M[float64]}, "DPMSolverMultistepScheduler",
		`{"algorithm_type":"dpmsolver++","solver_order":2,"solver_type":"midpoint"}`,
		[]string{"DPM++ 2M", "dpmpp_2"}},
	{"heun", method{takesChurn | takesSNoise, Heun[float32], Heun[float64]}, "HeunDiscreteScheduler", "",
		[]string{"Heun", "heun_2s"}},
	{"dpm_2", method{takesChurn | takesSNoise, DPM2[float32], DPM2[float64]}, "KDPM2DiscreteScheduler", "", []string{"DPM2"}},
	{"dpm_2_a", method{takesEta | takesSNoise, DPM2Ancestral[float32], DPM2Ancestral[float64]},
		"KDPM2AncestralDiscreteScheduler", "",
		[]string{"DPM2 a", "dpm_2_ancestral"}},
	{"dpmpp_2s_a", method{takesEta | takesSNoise, DPMPP2SAncestral[float32], DPMPP2SAncestral[float64]}, "", "",
		[]string{"DPM++ 2S a", "dpmpp_2s_ancestral", "dpmpp_2_a"}},
	{"lms", method{0, LMS[float32], LMS[float64]}, "LMSDiscreteScheduler", "", []string{"LMS"}},
	{"dpmpp_sde", method{takesEta | takesSNoise, DPMPPSDE[float32], DPMPPSDE[float64]}, "DPMSolverSDEScheduler", "",
		[]string{"DPM++ SDE", "dpmpp_sde_gpu"}},
	{"dpmpp_2m_sde", method{takesEta | takesSNoise, DPMPP2MSDE[float32], DPMPP2MSDE[float64]}, "DPMSolverMultistepScheduler",
		`{"algorithm_type":"sde-dpmsolver++","solver_order":2,"solver_type":"midpoint"}`, []string{"DPM++ 2M SDE", "dpmpp_2m_sde_gpu"}},
	{"dpmpp_2m_sde_heun", method{takesEta | takesSNoise, DPMPP2MSDEHeun[float32], DPMPP2MSDEHeun[float64]},
		"DPMSolverMultistepScheduler",
		`{"algorithm_type":"sde-dpmsolver++","solver_order":2,"solver_type":"heun"}`,
		[]string{"DPM++ 2M SDE Heun", "dpmpp_2m_sde_heun_gpu"}},
	{"dpmpp_3m_sde", method{takesEta | takesSNoise, DPMPP3MSDE[float32], DPMPP3MSDE[float64]}, "DPMSolverMultistepScheduler",
		`{"algorithm_type":"sde-dpmsolver++","solver_order":3,"solver_type":"midpoint"}`, []string{"DPM++ 3M SDE", "dpmpp_3m_sde_gpu"}},
	{"dpmpp_3m", method{0, DPMPP3M[float32], DPMPP3M[float64]}, "DPMSolverMultistepScheduler",
		`{"algorithm_type":"dpmsolver++","solver_order":3,"solver_type":"midpoint"}`,
		[]string{"DPM++ 3M"}},
	{"res_multistep", method{0, RESMultistep[float32], RESMultistep[float64]}, "", "", []string{"res_2m"}},
	{"res_multistep_ancestral",
		method{takesEta | takesSNoise, RESMultistepAncestral[float32], RESMultistepAncestral[float64]}, "", "", nil},
	{"er_sde", method{takesSNoise, ERSDE[float32], ERSDE[float64]}, "", "", []string{"ER SDE"}},
	{"seeds_2", method{takesEta | takesSNoise, SEEDS2[float32], SEEDS2[float64]}, "", "", nil},
	{"seeds_3", method{takesEta | takesSNoise, SEEDS3[float32], SEEDS3[float64]}, "", "", nil},
	{"exp_heun_2_x0", method{0, ExponentialHeun[float32], ExponentialHeun[float64]}, "", "", nil},
	{"exp_heun_2_x0_sde", method{takesEta | takesSNoise, ExponentialHeunSDE[float32], ExponentialHeunSDE[float64]}, "", "", nil},
	{"gradient_estimation", method{0, GradientEstimation[float32], GradientEstimation[float64]}, "", "", nil},
	{"heunpp2", method{takesChurn | takesSNoise, HeunPP2[float32], HeunPP2[float64]}, "", "", []string{"HeunPP2", "Heun++ 2"}},
	{"uni_pc", method{takesOrder, UniPCBH1[float32], UniPCBH1[float64]}, "UniPCMultistepScheduler",
		`{"solver_type":"bh1"}`, []string{"UniPC"}},
	{"uni_pc_bh2", method{takesOrder, UniPCBH2[float32], UniPCBH2[float64]}, "UniPCMultistepScheduler",
		`{"solver_type":"bh2"}`, nil},
	{"ddim", method{takesEta | takesSNoise, DDIM[float32], DDIM[float64]}, "DDIMScheduler", "", []string{"DDIM"}},
	{"ddpm", method{takesEta | takesSNoise, EulerAncestral[float32], EulerAncestral[float64]}, "DDPMScheduler",
		"", []string{"DDPM"}},
	{"dpm_fast", method{takesEta | takesSNoise, DPMFast[float32], DPMFast[float64]}, "", "", []string{"DPM fast"}},
	{"dpm_adaptive", method{takesEta | takesSNoise, DPMAdaptive[float32], DPMAdaptive[float64]}, "", "",
		[]string{"DPM adaptive", "dpm_ad"}},
	{"ipndm", method{0, IPNDM[float32], IPNDM[float64]}, "", "", nil},
	{"ipndm_v", method{0, LMS[float32], LMS[float64]}, "", "", nil}, // of variable step, the two are one
	{"plms", method{0, PLMS[float32], PLMS[float64]}, "PNDMScheduler", `{"skip_prk_steps":true}`, []string{"PLMS"}},
	{"deis", method{takesOrder, DEIS[float32], DEIS[float64]}, "DEISMultistepScheduler",
		`{"algorithm_type":"deis","solver_type":"logrho"}`, []string{"DEIS"}},
	{"sa_solver", method{takesEta | takesSNoise, SASolver[float32], SASolver[float64]}, "SASolverScheduler",
		`{"algorithm_type":"data_prediction"}`, []string{"SA Solver"}},
	{"restart", method{takesRestart | takesSNoise, RestartHeun[float32], RestartHeun[float64]}, "", "", []string{"Restart"}},
	{"exp_rk4", method{0, ExponentialRK4[float32], ExponentialRK4[float64]}, "", "",
		[]string{"res_5s", "res_5s_hochbruck-ostermann"}},
	{"lcm", method{takesSNoise, LCM[float32], LCM[float64]}, "LCMScheduler", "", []string{"LCM"}},
	{"tcd", method{takesEta | takesSNoise, TCD[float32], TCD[float64]}, "TCDScheduler", "", []string{"TCD"}},
	{"dpmpp_2s", method{0, DPMPP2S[float32], DPMPP2S[float64]}, "DPMSolverSinglestepScheduler",
		`{"algorithm_type":"dpmsolver++","solver_order":2,"solver_type":"midpoint"}`, []string{"DPM++ 2S"}},
}

// scheduleLabels are how other programs write schedules.
var scheduleLabels = map[string]string{
	"SGM Uniform": "sgm_uniform", "KL Optimal": "kl_optimal", "Align Your Steps": "align_your_steps", "AYS": "align_your_steps",
	"Align Your Steps 11": "align_your_steps", "Align Your Steps 32": "align_your_steps_32",
	"Align Your Steps GITS": "align_your_steps_gits", "Polyexponential": "polyexponential",
	"DDIM": "ddim_uniform", "DDIM Uniform": "ddim_uniform", "Turbo": "turbo", "k": "karras", "ka": "karras",
	"exp": "exponential", "lu_lambdas": "lu", "Uniform": "normal", "Automatic": "",
}

// aliases are the names of Stability's v1 API.
var aliases = []string{"DDIM", "DDPM", "K_DPMPP_2M", "K_DPMPP_2S_ANCESTRAL", "K_DPM_2", "K_DPM_2_ANCESTRAL", "K_EULER",
	"K_EULER_ANCESTRAL", "K_HEUN", "K_LMS"}

// SamplerAliases lists the names that Stability's v1 API has for samplers, sorted.
func SamplerAliases() []string { return slices.Clone(aliases) }

// SamplerNames lists the samplers.
func SamplerNames() []string {
	names := make([]string, len(samplers))
	for i, s := range samplers {
		names[i] = s.name
	}
	return names
}

// SamplerNamed finds a sampler by a name that ParseSampler knows.
func SamplerNamed(name string) (Sampler, error) {
	found, _, err := ParseSampler(name)
	if err != nil {
		return Sampler{}, err
	}
	k := knownNamed(found)
	return k.sampler(k.name), nil
}

// likeClasses are the samplers for any levels that are nearest to classes which
// have none of their own.
var likeClasses = map[string]string{"IPNDMScheduler": "ipndm", "EDMEulerScheduler": "euler",
	"EDMDPMSolverMultistepScheduler": "dpmpp_2m"}

// knownNamed returns a sampler by its own name, or that of a class of diffusers.
func knownNamed(name string) *known {
	i := slices.IndexFunc(samplers, func(s known) bool { return s.name == name })
	if i < 0 {
		if like, ok := likeClasses[name]; ok {
			return knownNamed(like)
		}
		i = slices.IndexFunc(samplers, func(s known) bool { return s.class == kindOf(name) })
	}
	return &samplers[i]
}

// NameError says that a name is not known.
type NameError struct {
	Kind, Name string   // such as sampler, "eular"
	Nearest    []string // three names that are like it
}

// Error implements error.
func (e *NameError) Error() string {
	return fmt.Sprintf("sched: no %s %q; the nearest are %s", e.Kind, e.Name, strings.Join(e.Nearest, ", "))
}

// ParseSampler finds a sampler by its name, by what AUTOMATIC1111's web UI,
// ComfyUI, InvokeAI and Stability's API call it, or by its class in diffusers;
// case, spaces and punctuation are ignored, and so is a folder of RES4LYF's
// before the name, as in "multistep/res_2m". A schedule may follow the name, as
// in "DPM++ 2M Karras". The sampler returned is one of SamplerNames or Classes,
// and the schedule one of ScheduleNames or "".
func ParseSampler(text string) (sampler, schedule string, err error) {
	names := samplerKeys()
	text = cutName(text)
	key := keyOf(text[strings.LastIndex(text, "/")+1:])
	if name, ok := names[key]; ok {
		return name, "", nil
	}
	schedules := scheduleKeys()
	for _, end := range slices.SortedFunc(maps.Keys(schedules), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) {
		if name, ok := names[strings.TrimSuffix(key, end)]; ok && strings.HasSuffix(key, end) {
			return name, schedules[end], nil
		}
	}
	return "", "", &NameError{"sampler", text, nearestNames(key, names)}
}

// ParseSchedule finds one of ScheduleNames by its name, or by what other
// programs call it; the web UI's "Automatic" is "".
func ParseSchedule(text string) (string, error) {
	names := scheduleKeys()
	text = cutName(text)
	if name, ok := names[keyOf(text)]; ok {
		return name, nil
	}
	return "", &NameError{"schedule", text, nearestNames(keyOf(text), names)}
}

// samplerKeys maps the keys of all spellings of a name, by keyOf, to the name.
func samplerKeys() map[string]string {
	keys := map[string]string{}
	for name := range classes {
		keys[keyOf(name)] = name
		keys[strings.TrimSuffix(keyOf(name), "scheduler")] = name
	}
	for _, s := range samplers {
		for _, label := range append(s.labels, s.name) {
			keys[keyOf(label)] = s.name
			keys["k"+keyOf(label)] = s.name // k-diffusion's, as in K_EULER and kdpm_2
		}
	}
	return keys
}

func scheduleKeys() map[string]string {
	keys := map[string]string{}
	for label, name := range scheduleLabels {
		keys[keyOf(label)] = name
	}
	for _, name := range ScheduleNames() {
		keys[keyOf(name)] = name
	}
	return keys
}

// keyOf leaves out what people write in more than one way.
func keyOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, strings.ReplaceAll(name, "+", "p"))
}

// maxName is more than a name has. Longer ones are not compared to their end,
// which would take time in proportion to their length.
const maxName = 100

func cutName(text string) string {
	if len(text) <= maxName {
		return text
	}
	return strings.ToValidUTF8(text[:maxName], "") + "..."
}

// nearestNames lists the three names whose keys are nearest.
func nearestNames(key string, names map[string]string) []string {
	distance := map[string]int{} // of names
	for k, name := range names {
		if name == "" {
			continue
		}
		d := edits(key, k)
		if before, ok := distance[name]; !ok || d < before {
			distance[name] = d
		}
	}
	sorted := slices.SortedFunc(maps.Keys(distance),
		func(a, b string) int { return cmp.Or(distance[a]-distance[b], strings.Compare(a, b)) })
	return sorted[:min(3, len(sorted))]
}

// edits returns how many letters must change, come or go between two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
