"""Writes the UNet or the VAE's decoder of a diffusers folder as an OpenVINO model: python openvino_export.py unet|vae FOLDER OUT.xml"""
import argparse
import warnings

import openvino as ov
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

# Marks a model for tracing in 16 bits, as Hugging Face's optimum-intel does: the weights stay half as large.
from openvino.frontend.pytorch.patch_model import __make_16bit_traceable as make_16bit_traceable


class UNet(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        self.unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float16, low_cpu_mem_usage=True).eval()

    def example(self):
        c = self.unet.config
        width = c.cross_attention_dim if isinstance(c.cross_attention_dim, int) else c.cross_attention_dim[0]
        return (torch.randn(2, 4, 16, 16), torch.tensor(500.0), torch.randn(2, 77, width),
                torch.randn(2, c.projection_class_embeddings_input_dim - 6 * c.addition_time_embed_dim), torch.zeros(2, 6))

    def forward(self, sample, timestep, context, text, ids):
        return self.unet(sample, timestep, context, added_cond_kwargs={"text_embeds": text, "time_ids": ids}).sample


class Decoder(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        self.vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float16, low_cpu_mem_usage=True).eval()

    def example(self):
        return (torch.randn(1, 4, 16, 16),)

    def forward(self, latents):
        return self.vae.decode(latents).sample


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("network", choices=["unet", "vae"])
    p.add_argument("folder")
    p.add_argument("out")
    a = p.parse_args()
    model = {"unet": UNet, "vae": Decoder}[a.network](a.folder)
    make_16bit_traceable(model)
    with torch.inference_mode():
        example = model.example()
        # Any batch and size: axes other than the batch and the picture's are what they are in the example.
        shapes = [[-1, t.shape[1], -1, -1] if t.dim() == 4 else [-1, *t.shape[1:]] if t.dim() else [] for t in example]
        ov.save_model(ov.convert_model(model, example_input=example, input=shapes), a.out, compress_to_fp16=True)
