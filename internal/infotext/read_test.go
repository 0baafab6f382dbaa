package infotext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/imagefile"
)

func fields(t Infotext) map[string]string {
	m := map[string]string{}
	for _, f := range t.Fields {
		m[f.Name] = f.Value
	}
	return m
}

// comfyDefault is what ComfyUI's first workflow leaves in a picture.
const comfyDefault = `{"3":{"inputs":{"seed":156680208700286,"steps":20,"cfg":8.0,"sampler_name":"euler","scheduler":"normal","denoise":1.0,"model":["4",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0]},"class_type":"KSampler","_meta":{"title":"KSampler"}},
"4":{"inputs":{"ckpt_name":"sdxl/sd_xl_base_1.0.safetensors"},"class_type":"CheckpointLoaderSimple"},
"5":{"inputs":{"width":1024,"height":768,"batch_size":1},"class_type":"EmptyLatentImage"},
"6":{"inputs":{"text":"beautiful scenery, galaxy bottle","clip":["4",1]},"class_type":"CLIPTextEncode"},
"7":{"inputs":{"text":"text, watermark","clip":["4",1]},"class_type":"CLIPTextEncode"},
"8":{"inputs":{"samples":["3",0],"vae":["4",2]},"class_type":"VAEDecode"},
"9":{"inputs":{"filename_prefix":"ComfyUI","images":["8",0]},"class_type":"SaveImage"}}`

// comfyAdapted has a LoRA, a ControlNet, a clip skip, a seed and a text from other nodes, and a picture to start from.
const comfyAdapted = `{"10":{"inputs":{"seed":["20",0],"steps":30,"cfg":6.5,"sampler_name":"dpmpp_2m_sde","scheduler":"karras","denoise":0.55,"model":["11",0],"positive":["12",0],"negative":["12",1],"latent_image":["13",0]},"class_type":"KSampler"},
"11":{"inputs":{"lora_name":"x.safetensors","strength_model":1,"strength_clip":1,"model":["14",0],"clip":["15",0]},"class_type":"LoraLoader"},
"12":{"inputs":{"strength":1,"positive":["16",0],"negative":["17",0],"control_net":["18",0],"image":["19",0]},"class_type":"ControlNetApplyAdvanced"},
"13":{"inputs":{"pixels":["19",0],"vae":["14",2]},"class_type":"VAEEncode"},
"14":{"inputs":{"ckpt_name":"a.b.safetensors"},"class_type":"CheckpointLoaderSimple"},
"15":{"inputs":{"stop_at_clip_layer":-2,"clip":["14",1]},"class_type":"CLIPSetLastLayer"},
"16":{"inputs":{"text":["21",0],"clip":["11",1]},"class_type":"CLIPTextEncode"},
"17":{"inputs":{"text":"bad","clip":["11",1]},"class_type":"CLIPTextEncode"},
"18":{"inputs":{"control_net_name":"c"},"class_type":"ControlNetLoader"},
"19":{"inputs":{"image":"in.png"},"class_type":"LoadImage"},
"20":{"inputs":{"value":77},"class_type":"PrimitiveInt"},
"21":{"inputs":{"value":"from elsewhere"},"class_type":"PrimitiveString"}}`

// comfyCustom has the parts of the sampler as nodes, and a second pass.
const comfyCustom = `{"1":{"inputs":{"noise":["2",0],"guider":["3",0],"sampler":["4",0],"sigmas":["5",0],"latent_image":["6",0]},"class_type":"SamplerCustomAdvanced"},
"2":{"inputs":{"noise_seed":5},"class_type":"RandomNoise"},
"3":{"inputs":{"cfg":4.5,"model":["7",0],"positive":["8",0],"negative":["9",0]},"class_type":"CFGGuider"},
"4":{"inputs":{"sampler_name":"res_multistep"},"class_type":"KSamplerSelect"},
"5":{"inputs":{"scheduler":"beta","steps":12,"denoise":1,"model":["7",0]},"class_type":"BasicScheduler"},
"6":{"inputs":{"width":832,"height":1216,"batch_size":2},"class_type":"EmptyLatentImage"},
"7":{"inputs":{"ckpt_name":"m.ckpt"},"class_type":"CheckpointLoaderSimple"},
"8":{"inputs":{"width":4096,"height":4096,"crop_w":0,"crop_h":0,"target_width":4096,"target_height":4096,"text_g":"for g","text_l":"for l","clip":["7",1]},"class_type":"CLIPTextEncodeSDXL"},
"9":{"inputs":{"text":"","clip":["7",1]},"class_type":"CLIPTextEncode"},
"0":{"inputs":{"seed":99,"steps":8,"cfg":1,"sampler_name":"euler","scheduler":"simple","denoise":0.3,"model":["7",0],"positive":["9",0],"negative":["9",0],"latent_image":["1",0]},"class_type":"KSampler"}}`

// comfyPage is a graph as the page saves it.
const comfyPage = `{"last_node_id":9,"nodes":[
{"id":7,"type":"CLIPTextEncode","inputs":[{"name":"clip","type":"CLIP","link":5}],"outputs":[{"name":"CONDITIONING","links":[6]}],"widgets_values":["text, watermark"]},
{"id":6,"type":"CLIPTextEncode","inputs":[{"name":"clip","type":"CLIP","link":3},{"name":"text","type":"STRING","widget":{"name":"text"},"link":null}],"widgets_values":["a bottle"]},
{"id":5,"type":"EmptyLatentImage","widgets_values":[512,640,1]},
{"id":3,"type":"KSampler","inputs":[{"name":"model","link":1},{"name":"positive","link":4},{"name":"negative","link":6},{"name":"latent_image","link":2}],"widgets_values":[42,"randomize",25,7.5,"dpmpp_2m","karras",1]},
{"id":4,"type":"CheckpointLoaderSimple","widgets_values":["x.safetensors"]},
{"id":10,"type":"Note","widgets_values":{"text":"a note"}}],
"links":[[1,4,0,3,0,"MODEL"],[2,5,0,3,3,"LATENT"],[3,4,1,6,0,"CLIP"],[4,6,0,3,1,"CONDITIONING"],[5,4,1,7,0,"CLIP"],[6,7,0,3,2,"CONDITIONING"]]}`

const invokeNewer = `{"app_version":"5.6.0","generation_mode":"sdxl_txt2img","positive_prompt":"a fox","negative_prompt":"blurry","width":1024,"height":1152,"seed":4103932410,"rand_device":"cpu","cfg_scale":7.5,"cfg_rescale_multiplier":0,"steps":30,"scheduler":"dpmpp_2m_k","clip_skip":0,"model":{"key":"k","hash":"blake3:1","name":"Juggernaut XL","base":"sdxl","type":"main"},"positive_style_prompt":"oil","negative_style_prompt":""}`

const invokeOld = `{"model":"stable diffusion","model_weights":"sd-1.5","app_id":"invoke-ai/InvokeAI","app_version":"2.3.5","image":{"prompt":[{"prompt":"a castle [ugly] on a hill [blurry]","weight":1.0}],"steps":50,"cfg_scale":7.5,"threshold":0,"perlin":0,"height":512,"width":768,"seed":1234,"sampler":"k_lms","type":"txt2img"}}`

func TestOtherPrograms(t *testing.T) {
	for _, c := range []struct {
		keyword, text    string
		prompt, negative string
		fields           string
		program          string
	}{
		{"prompt", comfyDefault, "beautiful scenery, galaxy bottle", "text, watermark",
			"Steps: 20, Sampler: euler, Schedule type: normal, CFG scale: 8.0, Seed: 156680208700286, Size: 1024x768, Model: sd_xl_base_1.0, Version: ComfyUI", "ComfyUI"},
		{"prompt", comfyAdapted, "from elsewhere", "bad",
			"Steps: 30, Sampler: dpmpp_2m_sde, Schedule type: karras, CFG scale: 6.5, Seed: 77, Model: a.b, Denoising strength: 0.55, Clip skip: 2, Version: ComfyUI", "ComfyUI"},
		{"prompt", comfyCustom, "for g", "",
			"Steps: 12, Sampler: res_multistep, Schedule type: beta, CFG scale: 4.5, Seed: 5, Size: 832x1216, Model: m.ckpt, Version: ComfyUI", "ComfyUI"},
		{"workflow", comfyPage, "a bottle", "text, watermark",
			"Steps: 25, Sampler: dpmpp_2m, Schedule type: karras, CFG scale: 7.5, Seed: 42, Size: 512x640, Model: x, Version: ComfyUI", "ComfyUI"},
		{"invokeai_metadata", invokeNewer, "a fox", "blurry",
			"Steps: 30, Sampler: dpmpp_2m_k, CFG scale: 7.5, Seed: 4103932410, Size: 1024x1152, Model: Juggernaut XL, Style prompt: oil, Version: InvokeAI 5.6.0", "InvokeAI"},
		{"sd-metadata", invokeOld, "a castle  on a hill", "ugly blurry",
			"Steps: 50, Sampler: k_lms, CFG scale: 7.5, Seed: 1234, Size: 768x512, Model: sd-1.5", "InvokeAI"},
		{"parameters", "a\nSteps: 3, Seed: 4, Size: 64x64", "a", "", "Steps: 3, Seed: 4, Size: 64x64", "AUTOMATIC1111"},
	} {
		got, program, ok := Read([]imagefile.Text{{Keyword: "Software", Text: "x"}, {Keyword: c.keyword, Text: c.text}})
		require.True(t, ok, c.keyword)
		require.Equal(t, c.program, program)
		require.Equal(t, c.prompt, got.Prompt)
		require.Equal(t, c.negative, got.Negative)
		require.Equal(t, fields(Parse(c.fields)), fields(got), c.text)
	}
}

// TestNoParameters: texts that are something else, or damaged, or without end, hold none.
func TestNoParameters(t *testing.T) {
	loop := `{"1":{"class_type":"KSampler","inputs":{"positive":["1",0],"negative":["2",0],"latent_image":["2",0],"seed":["2",0]}},"2":{"class_type":"x","inputs":{"positive":["2",0],"samples":["2",0],"value":["2",0]}}}`
	for _, text := range []string{"", "{}", "[]", "null", `{"1":1}`, `{"1":{"class_type":"KSampler"`, `{"nodes":[]}`, strings.Repeat("[", 1000)} {
		for _, keyword := range []string{"prompt", "workflow", "invokeai_metadata", "sd-metadata", "Comment"} {
			_, _, ok := Read([]imagefile.Text{{Keyword: keyword, Text: text}})
			require.False(t, ok, "%s %s", keyword, text)
		}
	}
	got, _, _ := Read([]imagefile.Text{{Keyword: "prompt", Text: loop}})
	require.Empty(t, got.Prompt)
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{comfyDefault, comfyAdapted, comfyCustom, comfyPage, invokeNewer, invokeOld} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		bounded.Check(t, len(s), bounded.Text, func() {
			for _, keyword := range []string{"prompt", "workflow", "invokeai_metadata", "sd-metadata"} {
				got, _, _ := Read([]imagefile.Text{{Keyword: keyword, Text: s}})
				require.LessOrEqual(t, len(got.Prompt), len(s)+2)
			}
		})
	})
}
