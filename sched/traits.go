package sched

// trait is a way in which a scheduler of diffusers differs from others.
type trait uint

const (
	spaceVP       trait = 1 << iota // its latents are x/sqrt(1+sigma^2)
	onGrid                          // it goes by whole training timesteps, and may start from noise alone
	ownLevels                       // its method counts on levels that are its own
	wideTimes                       // even times are not rounded to float32
	narrowTimes                     // times of a schedule are rounded to float32
	wholeKarras                     // times of Karras's schedule are whole
	freeKarras                      // Karras's schedule knows no sigma_min and sigma_max
	ownEnd                          // a schedule ends at the lowest of its own levels, and not of training's
	cosineDown                      // with cosine betas the times of a schedule are rounded down
	multistepEDM                    // of the two schedulers of Karras et al. 2022 the one of several steps, in float32
	angles                          // it has angles in place of betas, and a model that predicts v
	distilledOnly                   // its levels are those of consistency models
	noiseSDE                        // of DPM-Solver it has the SDE on the noise, too
)

// traits are those of each class that has any.
var traits = map[string]trait{
	"EulerDiscreteScheduler":          narrowTimes,
	"HeunDiscreteScheduler":           narrowTimes,
	"LMSDiscreteScheduler":            narrowTimes | freeKarras | ownLevels,
	"KDPM2DiscreteScheduler":          wholeKarras,
	"KDPM2AncestralDiscreteScheduler": wholeKarras,
	"DPMSolverSDEScheduler":           wideTimes | freeKarras,
	"DDIMScheduler":                   spaceVP | onGrid | ownLevels,
	"DDPMScheduler":                   spaceVP | onGrid | ownLevels,
	"PNDMScheduler":                   spaceVP | onGrid | ownLevels,
	"LCMScheduler":                    spaceVP | onGrid | ownLevels | distilledOnly,
	"TCDScheduler":                    spaceVP | onGrid | ownLevels | distilledOnly,
	"IPNDMScheduler":                  spaceVP | onGrid | ownLevels | angles,
	"DPMSolverMultistepScheduler":     spaceVP | cosineDown | noiseSDE,
	"DPMSolverSinglestepScheduler":    spaceVP,
	"DEISMultistepScheduler":          spaceVP | ownEnd,
	"UniPCMultistepScheduler":         spaceVP | ownEnd,
	"SASolverScheduler":               spaceVP | ownEnd,
	"EDMDPMSolverMultistepScheduler":  multistepEDM,
}

// has reports whether the configuration's class has a trait.
func (c *Config) has(t trait) bool { return traits[kindOf(c.Class)]&t != 0 }
