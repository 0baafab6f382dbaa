package adapt

import (
	"regexp"
	"strings"
)

// suffixes are how the names of tensors end, and which part of a module's change
// each is. A longer one comes before those that it ends with.
var suffixes = [][2]string{
	{".lora_linear_layer.up.weight", "up"}, {".lora_linear_layer.down.weight", "down"},
	{".lora_up.weight", "up"}, {".lora_down.weight", "down"}, {".lora_mid.weight", "mid"},
	{"_lora.up.weight", "up"}, {"_lora.down.weight", "down"},
	{".lora.up.weight", "up"}, {".lora.down.weight", "down"},
	{".alpha", "alpha"}, {".dora_scale", "magnitude"},
	{".hada_w1_a", "w1_a"}, {".hada_w1_b", "w1_b"}, {".hada_w2_a", "w2_a"}, {".hada_w2_b", "w2_b"},
	{".hada_t1", "t1"}, {".hada_t2", "t2"},
	{".lokr_w1", "lokr_w1"}, {".lokr_w1_a", "lokr_w1_a"}, {".lokr_w1_b", "lokr_w1_b"},
	{".lokr_w2", "lokr_w2"}, {".lokr_w2_a", "lokr_w2_a"}, {".lokr_w2_b", "lokr_w2_b"}, {".lokr_t2", "lokr_t2"},
	{".a1.weight", "a1"}, {".a2.weight", "a2"}, {".b1.weight", "b1"}, {".b2.weight", "b2"}, {".bm.weight", "bm"},
	{".oft_blocks", "oft_blocks"}, {".oft_diag", "oft_diag"}, {".rescale", "rescale"},
	{".diff", "diff"}, {".diff_b", "diff_b"}, {".set_weight", "set"}, {".w_norm", "diff"}, {".b_norm", "diff_b"},
	{".on_input", "on_input"},
	{".weight", "weight"}, // of IA3
}

// named are the suffixes of PEFT, which may hold the name of an adapter.
var named = regexp.MustCompile(`\.(lora_A|lora_B|lora_magnitude_vector|hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t2)(?:\.[A-Za-z0-9_-]+?)??(?:\.weight)?$`)

var namedParts = map[string]string{"lora_A": "down", "lora_B": "up", "lora_magnitude_vector": "magnitude"}

// split returns the module that a tensor belongs to, and which part of its
// change it is, or false for a tensor that no adapter that easel reads has.
func split(key string) (module, part string, ok bool) {
	for _, s := range suffixes {
		if module, ok := strings.CutSuffix(key, s[0]); ok && module != "" {
			if s[1] == "weight" && named.MatchString(key) {
				break
			}
			return module, s[1], true
		}
	}
	m := named.FindStringSubmatchIndex(key)
	if m == nil || m[0] == 0 {
		return "", "", false
	}
	name := key[m[2]:m[3]]
	if p, ok := namedParts[name]; ok {
		return key[:m[0]], p, true
	}
	return key[:m[0]], strings.TrimPrefix(name, "hada_"), true
}

// Target is a weight of a model that adapters may change.
type Target struct {
	Component string // the folder of its network: unet, text_encoder, text_encoder_2
	Name      string // as the reference names it, such as mid_block.attentions.0.proj_in.weight
	Single    string // as the single-file layout does, without the network's prefix; "" is as Name
	Shape     []int
}

// prefixes are what the names of a network's modules may begin with: dotted
// names, and those with underscores for dots.
var prefixes = map[string]struct{ dotted, flat []string }{
	"unet": {
		[]string{"unet.", "", "diffusion_model.", "model.diffusion_model.", "base_model.model.", "unet.base_model.model."},
		[]string{"lora_unet_", "lycoris_"},
	},
	"text_encoder": {
		[]string{"text_encoder.", "text_encoder.base_model.model.", "text_encoders.clip_l.transformer.", "text_encoders.clip_l.",
			"clip_l.transformer.", "conditioner.embedders.0.transformer."},
		[]string{"lora_te1_"},
	},
	"text_encoder_2": {
		[]string{"text_encoder_2.", "text_encoder_2.base_model.model.", "text_encoders.clip_g.transformer.",
			"text_encoders.clip_g.", "clip_g.transformer."},
		[]string{"lora_te2_"},
	},
}

// oldNames are what older files call the modules of attention.
var oldNames = map[string][][2]string{
	"unet":           {{".to_out.0", ".to_out"}},
	"text_encoder":   oldTextNames,
	"text_encoder_2": oldTextNames,
}

var oldTextNames = [][2]string{{".q_proj", ".to_q"}, {".k_proj", ".to_k"}, {".v_proj", ".to_v"}, {".out_proj", ".to_out"}}

// spellings calls f with every name that files have for a module.
func spellings(component, name, single string, f func(spelling string)) {
	p := prefixes[component]
	names := []string{name}
	if single != "" && single != name {
		names = append(names, single)
	}
	for _, old := range oldNames[component] {
		if rest, ok := strings.CutSuffix(name, old[0]); ok {
			names = append(names, rest+old[1])
		}
	}
	for _, n := range names { // newer libraries leave the tower's name out
		if rest, ok := strings.CutPrefix(n, "text_model."); ok {
			names = append(names, rest)
		}
	}
	for _, n := range names {
		for _, prefix := range p.dotted {
			f(prefix + n)
		}
		flat := strings.ReplaceAll(n, ".", "_")
		for _, prefix := range p.flat {
			f(prefix + flat)
		}
	}
}
