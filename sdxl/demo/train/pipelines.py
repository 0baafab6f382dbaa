"""diffusers' pipelines over an exported model, with a companion or without, and how this recipe draws with them."""
from functools import partial

import numpy as np
import torch
from diffusers import (ControlNetModel, DPMSolverMultistepScheduler, LCMScheduler, StableDiffusionXLControlNetPipeline, StableDiffusionXLInpaintPipeline,
                       StableDiffusionXLPipeline, UNet2DConditionModel)
from PIL import Image
from safetensors.torch import load_file

SIDE = 128


def pipeline(folder, lora=None):
    """The model with DPM++ 2M Karras, and with a LoRA if given."""
    pipe = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=torch.float32, add_watermarker=False)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, use_karras_sigmas=True)
    if lora:
        pipe.load_lora_weights(lora)
    return quiet(pipe)


def quiet(pipe):
    pipe.set_progress_bar_config(disable=True)
    return pipe


def few_steps(folder, lora=None):
    """The model with the sampler of latent consistency."""
    pipe = pipeline(folder, lora)
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    return pipe


def controlled(folder, net):
    """The model with a ControlNet."""
    net = ControlNetModel.from_pretrained(net, torch_dtype=torch.float32)
    return quiet(StableDiffusionXLControlNetPipeline.from_pipe(pipeline(folder), controlnet=net))


def inpainting(folder, unet):
    """The model with a UNet of nine channels in place of its own."""
    p, unet = pipeline(folder), UNet2DConditionModel.from_pretrained(unet, torch_dtype=torch.float32)
    return quiet(StableDiffusionXLInpaintPipeline(p.vae, p.text_encoder, p.text_encoder_2, p.tokenizer, p.tokenizer_2, unet, p.scheduler, add_watermarker=False))


def add_word(pipe, path, word):
    """New tokens, one for each vector, in both tokenizers; -> the words to write for it."""
    vectors = load_file(path)
    words = [f"{word}{i}" for i in range(len(vectors["clip_l"]))]
    for tokenizer, encoder, key in ((pipe.tokenizer, pipe.text_encoder, "clip_l"), (pipe.tokenizer_2, pipe.text_encoder_2, "clip_g")):
        tokenizer.add_tokens(words)
        encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            encoder.get_input_embeddings().weight[tokenizer.convert_tokens_to_ids(words)] = vectors[key].float()
    return " ".join(words)


def draw(pipe, prompts, steps=20, cfg=5.0, **each):
    """A picture for each prompt, with its number for a seed; `each` holds a list with one picture for each prompt."""
    return [np.asarray(pipe(p, height=SIDE, width=SIDE, num_inference_steps=steps, guidance_scale=cfg, generator=torch.Generator().manual_seed(k),
                            **{name: Image.fromarray(images[k]) for name, images in each.items()}).images[0]) for k, p in enumerate(prompts)]


def fill_in(pipe, prompts, pictures, masks):
    """draw where the masks are 1, from nothing but noise."""
    return draw(partial(pipe, strength=1.0), prompts, image=pictures, mask_image=[m * 255 for m in masks])
