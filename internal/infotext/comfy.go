package infotext

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// comfyNode is a node of a ComfyUI graph. An input is a value, or the node and
// the output that it comes from.
type comfyNode struct {
	Type   string                     `json:"class_type"`
	Inputs map[string]json.RawMessage `json:"inputs"`
}

// comfyGraph is a graph in the form of ComfyUI's API, by the nodes' names.
type comfyGraph map[string]comfyNode

// comfyPrompt reads what ComfyUI ran.
func comfyPrompt(s string) (Infotext, bool) {
	var g comfyGraph
	if json.Unmarshal([]byte(s), &g) != nil {
		return Infotext{}, false
	}
	return g.infotext()
}

// maxNodes is the largest graph that is read.
const maxNodes = 10_000

// maxHops is how many nodes are followed from a sampler to what it reads.
const maxHops = 64

// link returns the node that an input comes from.
func (g comfyGraph) link(n comfyNode, input string) (from comfyNode, ok bool) {
	var pair []json.RawMessage
	if json.Unmarshal(n.Inputs[input], &pair) != nil || len(pair) != 2 {
		return comfyNode{}, false
	}
	from, ok = g[text(pair[0])]
	return from, ok
}

// value returns an input's value, also where it comes from a node that holds one.
func (g comfyGraph) value(n comfyNode, inputs ...string) string {
	for range maxHops {
		var from comfyNode
		linked := false
		for _, input := range inputs {
			if v := text(n.Inputs[input]); v != "" {
				return v
			}
			if !linked {
				from, linked = g.link(n, input)
			}
		}
		if !linked {
			return ""
		}
		n, inputs = from, []string{"value", "text", "string", "seed", "noise_seed", "int", "float", "number"}
	}
	return ""
}

// find follows an input from a node back to the first node of one of the types.
// Nodes between hand on what comes in under the same name, or else under one of
// passedOn.
func (g comfyGraph) find(n comfyNode, input string, types ...string) (comfyNode, bool) {
	names := append([]string{input}, passedOn...)
	for range maxHops {
		i := slices.IndexFunc(names, func(name string) bool { _, ok := g.link(n, name); return ok })
		if i < 0 {
			return comfyNode{}, false
		}
		if n, _ = g.link(n, names[i]); slices.Contains(types, n.Type) {
			return n, true
		}
	}
	return comfyNode{}, false
}

// passedOn are inputs of nodes that change one thing and hand on the rest.
var passedOn = []string{"model", "clip", "conditioning", "conditioning_1", "conditioning_to", "positive", "samples",
	"latent", "latent_image", "pixels", "image"}

// infotext reads the first sampler and what leads to it.
func (g comfyGraph) infotext() (t Infotext, ok bool) {
	if len(g) > maxNodes {
		return t, false
	}
	sampler, ok := g.sampler()
	if !ok {
		return t, false
	}
	guider, hasGuider := g.link(sampler, "guider")
	if !hasGuider {
		guider = sampler
	}
	t.Prompt, t.Negative = g.prompt(guider, "positive"), g.prompt(guider, "negative")
	if t.Prompt == "" {
		t.Prompt = g.prompt(guider, "conditioning")
	}
	scheduler, ok := g.link(sampler, "sigmas")
	if !ok {
		scheduler = sampler
	}
	kind, ok := g.link(sampler, "sampler")
	if !ok {
		kind = sampler
	}
	noise, ok := g.link(sampler, "noise")
	if !ok {
		noise = sampler
	}
	t.Add("Steps", g.value(scheduler, "steps"))
	t.Add("Sampler", g.value(kind, "sampler_name"))
	t.Add("Schedule type", g.value(scheduler, "scheduler"))
	t.Add("CFG scale", g.value(guider, "cfg"))
	t.Add("Seed", g.value(noise, "seed", "noise_seed"))
	if latent, ok := g.find(sampler, "latent_image", "EmptyLatentImage", "EmptySD3LatentImage", "LoadImage"); ok {
		t.Add("Size", size(g.value(latent, "width"), g.value(latent, "height")))
	}
	model := "model"
	if hasGuider {
		model = "guider"
	}
	if loader, ok := g.find(sampler, model, "CheckpointLoaderSimple", "CheckpointLoader", "UNETLoader",
		"unCLIPCheckpointLoader"); ok {
		name := g.value(loader, "ckpt_name", "unet_name")
		t.Add("Model", strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], ".safetensors"))
	}
	if strength := g.value(scheduler, "denoise"); strength != "1" && strength != "1.0" {
		t.Add("Denoising strength", strength)
	}
	if clip, ok := g.link(guider, "positive"); ok {
		if last, ok := g.find(clip, "clip", "CLIPSetLastLayer"); ok {
			if n, err := strconv.Atoi(g.value(last, "stop_at_clip_layer")); err == nil {
				t.Add("Clip skip", strconv.Itoa(-n))
			}
		}
	}
	t.Add("Version", ComfyUI)
	return t, true
}

// sampler returns the sampler that works on an empty latent, of several the one
// that is named first.
func (g comfyGraph) sampler() (best comfyNode, ok bool) {
	first := ""
	for name, n := range g {
		switch n.Type {
		case "KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced", "KSampler (Efficient)",
			"KSampler Adv. (Efficient)":
		default:
			continue
		}
		_, later := g.find(n, "latent_image", "KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
		if later {
			continue
		}
		if !ok || less(name, first) {
			best, first, ok = n, name, true
		}
	}
	return best, ok
}

// less orders names as numbers where they are such.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// prompt returns the text that a conditioning comes from.
func (g comfyGraph) prompt(n comfyNode, input string) string {
	encoder, ok := g.find(n, input, "CLIPTextEncode", "CLIPTextEncodeSDXL", "CLIPTextEncodeSDXLRefiner", "CLIPTextEncodeFlux",
		"BNK_CLIPTextEncodeAdvanced", "smZ CLIPTextEncode")
	if !ok {
		return ""
	}
	return g.value(encoder, "text", "text_g", "text_l", "clip_l")
}

// comfyWidgets are the widgets of nodes in the order in which a workflow has their values.
var comfyWidgets = map[string][]string{
	"KSampler": {"seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"},
	"KSamplerAdvanced": {"add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler",
		"start_at_step", "end_at_step"},
	"SamplerCustom":          {"add_noise", "noise_seed", "", "cfg"},
	"RandomNoise":            {"noise_seed"},
	"KSamplerSelect":         {"sampler_name"},
	"BasicScheduler":         {"scheduler", "steps", "denoise"},
	"CFGGuider":              {"cfg"},
	"CLIPTextEncode":         {"text"},
	"CLIPTextEncodeSDXL":     {"width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l"},
	"EmptyLatentImage":       {"width", "height", "batch_size"},
	"CheckpointLoaderSimple": {"ckpt_name"},
	"UNETLoader":             {"unet_name"},
	"CLIPSetLastLayer":       {"stop_at_clip_layer"},
	"LoadImage":              {"image"},
	"PrimitiveNode":          {"value"},
	"PrimitiveString":        {"value"},
	"PrimitiveInt":           {"value"},
	"PrimitiveFloat":         {"value"},
}

// comfyWorkflow reads the graph of ComfyUI's page, in which inputs are links by
// number and values have a place and no name.
func comfyWorkflow(s string) (Infotext, bool) {
	var w struct {
		Nodes []struct {
			ID     json.Number `json:"id"`
			Type   string      `json:"type"`
			Inputs []struct {
				Name string       `json:"name"`
				Link *json.Number `json:"link"`
			} `json:"inputs"`
			Values json.RawMessage `json:"widgets_values"`
		} `json:"nodes"`
		Links []json.RawMessage `json:"links"`
	}
	if json.Unmarshal([]byte(s), &w) != nil {
		return Infotext{}, false
	}
	from := map[string]string{} // node by link
	for _, raw := range w.Links {
		var parts []json.RawMessage // link, node and output it comes from, node and input it goes to, type
		if json.Unmarshal(raw, &parts) == nil && len(parts) >= 2 {
			from[text(parts[0])] = text(parts[1])
		}
	}
	g := comfyGraph{}
	for _, n := range w.Nodes {
		node := comfyNode{n.Type, map[string]json.RawMessage{}}
		var values []json.RawMessage
		_ = json.Unmarshal(n.Values, &values) // some nodes have an object, which is not known here
		for i, name := range comfyWidgets[n.Type] {
			if i < len(values) && name != "" {
				node.Inputs[name] = values[i]
			}
		}
		for _, in := range n.Inputs {
			if in.Link == nil {
				continue
			}
			pair, _ := json.Marshal([]any{from[in.Link.String()], 0}) // a string and a number always can
			node.Inputs[in.Name] = pair
		}
		g[n.ID.String()] = node
	}
	return g.infotext()
}
