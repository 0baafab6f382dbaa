package sched

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// What a scheduler_config.json means where it is silent differs from class to
// class, and so do the fields that a class reads. These are those of diffusers'
// constructors, in parts that several of them share.
const (
	linearBetas  = `"num_train_timesteps":1000,"beta_start":0.0001,"beta_end":0.02,"beta_schedule":"linear","trained_betas":null,"prediction_type":"epsilon",`
	smallBetas   = `"num_train_timesteps":1000,"beta_start":0.00085,"beta_end":0.012,"beta_schedule":"linear","trained_betas":null,"prediction_type":"epsilon",`
	shapes       = `"use_karras_sigmas":false,"use_exponential_sigmas":false,"use_beta_sigmas":false,`
	flow         = `"use_flow_sigmas":false,"flow_shift":1.0,`
	shifting     = `"use_dynamic_shifting":false,"time_shift_type":"exponential",`
	thresholding = `"thresholding":false,"dynamic_thresholding_ratio":0.995,"sample_max_value":1.0,`
	linspaced    = `"timestep_spacing":"linspace","steps_offset":0`
	leading      = `"timestep_spacing":"leading","steps_offset":0`
	distilled    = `{"num_train_timesteps":1000,"beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","trained_betas":null,"prediction_type":"epsilon",` +
		`"original_inference_steps":50,"clip_sample":false,"clip_sample_range":1.0,"set_alpha_to_one":true,"timestep_scaling":10.0,"rescale_betas_zero_snr":false,` + thresholding + leading + `}`
	ancestors = `{` + linearBetas + `"clip_sample":true,"clip_sample_range":1.0,"rescale_betas_zero_snr":false,` +
		thresholding + leading
	midpoints = `{` + smallBetas + shapes + linspaced + `}`
	edmData   = `{"sigma_min":0.002,"sigma_max":80.0,"sigma_data":0.5,"sigma_schedule":"karras","num_train_timesteps":1000,"prediction_type":"epsilon","rho":7.0,"final_sigmas_type":"zero"`
)

// classDefaults are the fields of each class and their defaults.
var classDefaults = map[string]string{
	"EulerDiscreteScheduler": `{` + linearBetas + shapes +
		`"interpolation_type":"linear","sigma_min":null,"sigma_max":null,"timestep_type":"discrete",` +
		`"rescale_betas_zero_snr":false,"final_sigmas_type":"zero",` + linspaced + `}`,
	"EulerAncestralDiscreteScheduler": `{` + linearBetas + `"rescale_betas_zero_snr":false,` + linspaced + `}`,
	"HeunDiscreteScheduler":           `{` + smallBetas + shapes + `"clip_sample":false,"clip_sample_range":1.0,` + linspaced + `}`,
	"KDPM2DiscreteScheduler":          midpoints,
	"KDPM2AncestralDiscreteScheduler": midpoints,
	"LMSDiscreteScheduler":            `{` + linearBetas + shapes + linspaced + `}`,
	"DPMSolverSDEScheduler":           `{` + smallBetas + shapes + `"noise_sampler_seed":null,` + linspaced + `}`,
	"DDIMScheduler":                   ancestors + `,"set_alpha_to_one":true}`,
	"DDPMScheduler":                   ancestors + `,"variance_type":"fixed_small"}`,
	"PNDMScheduler":                   `{` + linearBetas + `"skip_prk_steps":false,"set_alpha_to_one":false,` + leading + `}`,
	"LCMScheduler":                    distilled,
	"TCDScheduler":                    distilled,
	"IPNDMScheduler":                  `{"num_train_timesteps":1000,"trained_betas":null}`,
	"DPMSolverMultistepScheduler": `{` + linearBetas + shapes + flow + shifting + thresholding +
		`"solver_order":2,"algorithm_type":"dpmsolver++","solver_type":"midpoint",` +
		`"lower_order_final":true,"euler_at_final":false,"use_lu_lambdas":false,"final_sigmas_type":"zero","lambda_min_clipped":null,"variance_type":null,"rescale_betas_zero_snr":false,` + linspaced + `}`,
	"DPMSolverSinglestepScheduler": `{` + linearBetas + shapes + flow + shifting + thresholding +
		`"solver_order":2,"algorithm_type":"dpmsolver++","solver_type":"midpoint",` +
		`"lower_order_final":false,"final_sigmas_type":"zero","lambda_min_clipped":null,"variance_type":null}`,
	"DEISMultistepScheduler": `{` + linearBetas + shapes + flow + shifting + thresholding +
		`"solver_order":2,"algorithm_type":"deis","solver_type":"logrho","lower_order_final":true,` + linspaced + `}`,
	"UniPCMultistepScheduler": `{` + linearBetas + shapes + flow + shifting + thresholding +
		`"solver_order":2,"predict_x0":true,"solver_type":"bh2","lower_order_final":true,"disable_corrector":[],` +
		`"solver_p":null,"final_sigmas_type":"zero","rescale_betas_zero_snr":false,"sigma_min":null,"sigma_max":null,"shift_terminal":null,` + linspaced + `}`,
	"SASolverScheduler": `{` + linearBetas + shapes + flow + thresholding +
		`"predictor_order":2,"corrector_order":2,"tau_func":null,"algorithm_type":"data_prediction","lower_order_final":true,` +
		`"lambda_min_clipped":null,"variance_type":null,` + linspaced + `}`,
	"EDMEulerScheduler": edmData + `}`,
	"EDMDPMSolverMultistepScheduler": edmData + `,"solver_order":2,` + thresholding +
		`"algorithm_type":"dpmsolver++","solver_type":"midpoint",` +
		`"lower_order_final":true,"euler_at_final":false}`,
}

// sameClasses are classes that differ from another in what they offer beside sampling.
var sameClasses = map[string]string{"DDIMParallelScheduler": "DDIMScheduler", "DDPMParallelScheduler": "DDPMScheduler"}

// plainConfig is Config without its way of reading JSON.
type plainConfig Config

// defaults returns the configuration of a class of which nothing is said.
func defaults(class string) Config {
	text, ok := classDefaults[kindOf(class)]
	if !ok {
		text = classDefaults["EulerDiscreteScheduler"]
	}
	var c plainConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(fmt.Sprintf("sched: the defaults of %s: %v", class, err)) // a test reads each
	}
	c.Class, c.read = class, class
	return Config(c)
}

// kindOf returns the class that a class samples as.
func kindOf(class string) string {
	if same, ok := sameClasses[class]; ok {
		return same
	}
	return class
}

// accepted returns the names of the fields that a class reads.
var accepted = func() func(class string) map[string]bool {
	all := sync.OnceValue(func() map[string]map[string]bool {
		all := map[string]map[string]bool{}
		for class, text := range classDefaults {
			all[class] = named([]byte(text))
		}
		return all
	})
	return func(class string) map[string]bool { return all()[kindOf(class)] }
}()

// named returns the names of the fields of a JSON object.
func named(data []byte) map[string]bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return nil
	}
	names := map[string]bool{}
	for name := range fields {
		names[name] = true
	}
	return names
}

// UnmarshalJSON reads a scheduler_config.json over the defaults of the class
// that it names; one that names none is of the class that c has, or of
// EulerDiscreteScheduler.
func (c *Config) UnmarshalJSON(data []byte) error {
	head := struct {
		Class  string   `json:"_class_name"`
		Silent []string `json:"_use_default_values"` // written by diffusers, and not given: what is its default now counts
	}{Class: c.Class}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if head.Class == "" {
		head.Class = "EulerDiscreteScheduler"
	}
	silent := defaults(head.Class)
	read := plainConfig(silent)
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*c = Config(read)
	c.given = named(data)
	from, into := reflect.ValueOf(&silent).Elem(), reflect.ValueOf(c).Elem()
	for _, name := range head.Silent {
		if i, ok := configFields()[name]; ok {
			into.Field(i).Set(from.Field(i))
		}
		delete(c.given, name)
	}
	return nil
}

// MarshalJSON writes the fields that the configuration's class has, and what
// else a file gave.
func (c Config) MarshalJSON() ([]byte, error) {
	fields := map[string]any{"_class_name": c.Class}
	of, reads := reflect.ValueOf(c), accepted(c.Class)
	for name, i := range configFields() {
		if reads[name] || c.given[name] {
			fields[name] = of.Field(i).Interface()
		}
	}
	return json.Marshal(fields)
}

// as returns the configuration of a class for a file, and what is said
// beside it: from_config of diffusers. It takes what the file gives of its own
// fields, and its own defaults for the rest. What is set in Go counts as given.
func (c *Config) as(class, beside string) (Config, error) {
	to := defaults(class)
	before := Config{}
	if c.read != "" {
		before = defaults(c.read)
	}
	reads := accepted(class)
	to.given = map[string]bool{}
	from, base, into := reflect.ValueOf(c).Elem(), reflect.ValueOf(&before).Elem(), reflect.ValueOf(&to).Elem()
	for name, i := range configFields() {
		changed := c.given[name] || !reflect.DeepEqual(from.Field(i).Interface(), base.Field(i).Interface())
		// The bounds of a schedule count for classes that do not name them, too.
		if changed && (reads[name] || name == "sigma_min" || name == "sigma_max") {
			into.Field(i).Set(from.Field(i))
			to.given[name] = true
		}
	}
	if beside == "" {
		return to, nil
	}
	if err := json.Unmarshal([]byte(beside), (*plainConfig)(&to)); err != nil {
		return to, fmt.Errorf("sched: %s: %w", class, err)
	}
	maps.Copy(to.given, named([]byte(beside)))
	return to, nil
}

// configFields are the places of Config's fields by their names in JSON.
var configFields = sync.OnceValue(func() map[string]int {
	fields := map[string]int{}
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			fields[name] = i
		}
	}
	return fields
})

// Classes lists the schedulers of diffusers that a scheduler_config.json may name.
func Classes() []string {
	return slices.Sorted(maps.Keys(classes))
}
