"""The golden model a's UNet in 4 bits of bitsandbytes, as diffusers saves it, less the tensors that
are as before, and latents of diffusers' pipeline with it; and matrices in both types, with what bitsandbytes widens them to:

    python bitsandbytes_refs.py ../testdata/a/model ../testdata/forms
"""
import argparse
import json
import pathlib
import tempfile

import bitsandbytes.functional as bnb
import torch
from diffusers import BitsAndBytesConfig, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.quantizers.bitsandbytes.bnb_quantizer import BnB4BitDiffusersQuantizer
from safetensors.torch import load_file, save_file

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    matrices = {}
    for kind, nested, size, shape in (("nf4", False, 64, (6, 96)), ("nf4", True, 64, (40, 448)), ("fp4", False, 128, (4, 160)), ("fp4", True, 64, (3, 64))):
        name = f"{kind}{'.nested' if nested else ''}"
        codes, state = bnb.quantize_4bit(torch.randn(shape), blocksize=size, compress_statistics=nested, quant_type=kind)
        matrices |= {f"{name}.weight": codes, f"{name}.out": bnb.dequantize_4bit(codes, state)}
        matrices |= {f"{name}.weight.{k}": v for k, v in state.as_dict(packed=True).items()}
    save_file(matrices, a.out / "four_bits.safetensors")
    BnB4BitDiffusersQuantizer.validate_environment = lambda self, *args, **kwargs: None  # it asks for a GPU, which bitsandbytes does not need
    case = json.loads((a.out / "forms.json").read_text())
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32)
    unet = UNet2DConditionModel.from_pretrained(a.model / "unet", quantization_config=config, torch_dtype=torch.float32, device_map="cpu")
    with tempfile.TemporaryDirectory() as saved:
        unet.save_pretrained(saved)
        stored = load_file(pathlib.Path(saved) / "diffusion_pytorch_model.safetensors")
    plain = load_file(a.model / "unet" / "diffusion_pytorch_model.safetensors")
    save_file({k: v for k, v in stored.items() if k not in plain or plain[k].shape != v.shape}, a.out / "unet-nf4.safetensors")
    pipe = StableDiffusionXLPipeline.from_pretrained(a.model, unet=unet, torch_dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    latents = pipe(case["prompt"], negative_prompt=case["negative"], num_inference_steps=case["steps"], guidance_scale=case["cfg"], width=case["width"], height=case["height"],
                   generator=torch.Generator().manual_seed(case["seed"]), output_type="latent").images
    save_file({"unet-nf4": latents.contiguous()}, a.out / "unet-nf4.latents.safetensors")
