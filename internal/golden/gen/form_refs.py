"""The golden model a's UNet as ComfyUI-GGUF stores it, by the Python package gguf, in
all types that it quantises to; and latents of diffusers' pipeline with that UNet's
weights widened again:

    python form_refs.py ../testdata/a/model ../testdata/forms

And the VAE of the golden model c beside it as training programs save it with torch.
"""
import argparse
import json
import pathlib

import gguf
import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from safetensors.torch import save_file

from single_file import unet_keys, vae_keys

CASE = dict(prompt="a red circle", negative="a moon", steps=3, cfg=4.0, seed=6, width=72, height=56)
TYPES = [gguf.GGMLQuantizationType[n] for n in ("Q8_0", "Q5_1", "Q4_0", "Q5_0", "Q4_1")]


def quantised(writer, key, t, kind):
    """Writes a tensor as ComfyUI-GGUF's convert.py does, and returns what it is then."""
    data, shape = t.float().numpy(), t.shape
    if data.ndim < 2 or data.size <= 1024:
        writer.add_tensor(key, data)
        return t.float()
    if shape[-1] % 256 and data.size % 256 == 0:
        writer.add_array("comfy.gguf.orig_shape." + key, tuple(shape))
        data = data.reshape(-1, 256)
    if data.shape[-1] % 32:
        kind = gguf.GGMLQuantizationType.BF16
    stored = gguf.quantize(data, kind)
    writer.add_tensor(key, stored, raw_dtype=kind)
    return torch.from_numpy(gguf.dequantize(stored, kind)).reshape(shape)


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    pipe = StableDiffusionXLPipeline.from_pretrained(a.model, dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    writer = gguf.GGUFWriter(a.out / "unet.gguf", "sdxl")
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    # unet_keys keeps the order of the parameters, which thus are told apart.
    stored = [quantised(writer, key.removeprefix("model.diffusion_model."), t, TYPES[i % len(TYPES)]) for i, (key, t) in enumerate(unet_keys(pipe.unet).items())]
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    pipe.unet.load_state_dict(dict(zip(pipe.unet.state_dict(), stored)))
    latents = pipe(CASE["prompt"], negative_prompt=CASE["negative"], num_inference_steps=CASE["steps"], guidance_scale=CASE["cfg"], width=CASE["width"], height=CASE["height"],
                   generator=torch.Generator().manual_seed(CASE["seed"]), output_type="latent").images
    save_file({"unet.gguf": latents.contiguous()}, a.out / "forms.safetensors")
    (a.out / "forms.json").write_text(json.dumps(CASE, indent=1) + "\n")
    small = AutoencoderKL.from_pretrained(a.model.parent.parent / "c" / "model" / "vae")
    state = {key.removeprefix("first_stage_model."): t.half() for key, t in vae_keys(small).items()}
    torch.save({"epoch": 1, "state_dict": state | {"loss.logvar": torch.zeros(())}, "callbacks": {}}, a.out / "vae.ckpt")
