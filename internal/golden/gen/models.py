"""Tiny random SDXL models with the true topology, in sizes that no real model has."""
import collections
import json
import re

import torch
from diffusers import (AutoencoderKL, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       StableDiffusionXLPipeline, UNet2DConditionModel)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

WORDS = """a an the of in on at with and red green blue yellow purple orange black white small large tiny huge old new bright dark
circle square triangle star heart ring moon house tree river mountain lighthouse dusk dawn sunset painting photo sketch portrait cat dog bird
horse astronaut riding watercolor oil detailed blurry low quality above below left right inside two three four one""".split()

SCHEDULERS = {"euler": EulerDiscreteScheduler, "euler_a": EulerAncestralDiscreteScheduler, "dpmpp_2m": DPMSolverMultistepScheduler}

SIZES = {
    "a": dict(
        text_l=dict(hidden_size=32, intermediate_size=128, num_hidden_layers=3, num_attention_heads=2),
        text_g=dict(hidden_size=40, intermediate_size=160, num_hidden_layers=4, num_attention_heads=5, projection_dim=48),
        unet=dict(block_out_channels=(16, 32, 48), layers_per_block=2, transformer_layers_per_block=[1, 1, 2], attention_head_dim=[2, 2, 3],
                  norm_num_groups=8, use_linear_projection=True, addition_time_embed_dim=16),
        vae=dict(block_out_channels=(8, 16, 32, 32), layers_per_block=2, norm_num_groups=8, scaling_factor=0.13025, force_upcast=True),
        sample_size=16, sampler="euler", scheduler={},
    ),
    "b": dict(
        text_l=dict(hidden_size=24, intermediate_size=72, num_hidden_layers=2, num_attention_heads=1),
        text_g=dict(hidden_size=56, intermediate_size=112, num_hidden_layers=3, num_attention_heads=7, projection_dim=40),
        unet=dict(block_out_channels=(24, 40, 56), layers_per_block=1, transformer_layers_per_block=[1, 2, 1], attention_head_dim=[3, 1, 2],
                  norm_num_groups=4, use_linear_projection=False, addition_time_embed_dim=12),
        vae=dict(block_out_channels=(8, 12, 20, 24), layers_per_block=1, norm_num_groups=4, scaling_factor=0.7, force_upcast=False),
        sample_size=12, sampler="dpmpp_2m", scheduler=dict(use_karras_sigmas=True),
    ),
    "c": dict(
        text_l=dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2),
        text_g=dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=1, projection_dim=16),
        unet=dict(block_out_channels=(8, 12, 16), layers_per_block=1, transformer_layers_per_block=[1, 1, 1], attention_head_dim=[1, 1, 2],
                  norm_num_groups=4, use_linear_projection=True, addition_time_embed_dim=8),
        vae=dict(block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, scaling_factor=0.13025, force_upcast=True),
        sample_size=8, sampler="euler_a", scheduler=dict(timestep_spacing="trailing"), gain=0.02,
    ),
}


def byte_symbols():
    """The printable stand-ins of CLIP's byte-level tokenizer, in its order."""
    codes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names = list(codes)
    for b in range(256):
        if b not in codes:
            codes.append(b)
            names.append(256 + len(names) - 188)
    return [chr(c) for c in names]


def train_bpe(words, merges=300):
    """A byte-pair vocabulary over a few words, in CLIP's format."""
    seqs = {w: [*w[:-1], w[-1] + "</w>"] for w in words}
    rules = []
    while len(rules) < merges:
        pairs = collections.Counter(p for s in seqs.values() for p in zip(s, s[1:]))
        if not pairs:
            break
        (a, b), _ = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))
        rules.append((a, b))
        for w, s in seqs.items():
            out, i = [], 0
            while i < len(s):
                if s[i:i + 2] == [a, b]:
                    out.append(a + b)
                    i += 2
                else:
                    out.append(s[i])
                    i += 1
            seqs[w] = out
    symbols = byte_symbols()
    tokens = symbols + [c + "</w>" for c in symbols] + [a + b for a, b in rules] + ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(tokens)}, rules


def write_tokenizers(folder):
    """tokenizer pads with the end mark, tokenizer_2 with "!", as SDXL's do."""
    vocab, rules = train_bpe(WORDS)
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        out = folder / name
        out.mkdir(parents=True, exist_ok=True)
        (out / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
        (out / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in rules), encoding="utf-8")
        CLIPTokenizer(str(out / "vocab.json"), str(out / "merges.txt"), model_max_length=77, pad_token=pad).save_pretrained(out)
    return vocab


# What writes to a stream that a norm reads.
WRITERS = re.compile(r"(^|\.)(conv_in|conv1|time_emb_proj|conv2|proj_in|to_out\.0|ff\.net\.2|token_embedding|position_embedding|out_proj|fc2)\.")


def randomize(module, generator, gain=1.0):
    """Gives norms and biases values that differ from 1 and 0, so that a forgotten one shows.

    A small gain makes the inputs of all norms small, so that another epsilon shows.
    """
    for name, p in module.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith("bias"):
            p.data = 0.1 * noise
        elif p.ndim == 1:
            p.data = 1 + 0.2 * noise
        elif "embedding" in name and p.ndim == 2 and "linear" not in name:
            p.data = 0.5 * noise
        else:
            fan_in = p[0].numel()
            p.data = noise * fan_in ** -0.5
        if WRITERS.search(name):
            p.data *= gain
    return module.eval()


def build(s, seed, folder):
    """Writes a model of size s as an fp16 diffusers folder and returns it in float32."""
    vocab = write_tokenizers(folder)
    g = torch.Generator().manual_seed(seed)
    ids = dict(vocab_size=len(vocab), bos_token_id=vocab["<|startoftext|>"], eos_token_id=vocab["<|endoftext|>"], max_position_embeddings=77)
    text_l = CLIPTextModel(CLIPTextConfig(**ids, **s["text_l"], hidden_act="quick_gelu", pad_token_id=ids["eos_token_id"]))
    text_g = CLIPTextModelWithProjection(CLIPTextConfig(**ids, **s["text_g"], hidden_act="gelu", pad_token_id=0))
    pooled = s["text_g"]["projection_dim"]
    unet = UNet2DConditionModel(
        sample_size=s["sample_size"], **s["unet"],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=s["text_l"]["hidden_size"] + s["text_g"]["hidden_size"], addition_embed_type="text_time",
        projection_class_embeddings_input_dim=pooled + 6 * s["unet"]["addition_time_embed_dim"])
    vae = AutoencoderKL(**s["vae"], latent_channels=4, sample_size=8 * s["sample_size"],
                        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    euler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1)
    scheduler = SCHEDULERS[s["sampler"]].from_config(euler.config, **s["scheduler"])
    for m in (text_l, text_g, unet, vae):
        randomize(m, g, s.get("gain", 1.0))
    tokenizers = [CLIPTokenizer.from_pretrained(folder / d) for d in ("tokenizer", "tokenizer_2")]
    pipe = StableDiffusionXLPipeline(vae.half(), text_l.half(), text_g.half(), *tokenizers, unet.half(), scheduler, add_watermarker=False)
    pipe.save_pretrained(folder)
    for path in folder.glob("tokenizer*/tokenizer.json"):  # vocab.json and merges.txt say the same in less
        path.unlink()
    return load(folder)


def load(folder, cls=StableDiffusionXLPipeline):
    pipe = cls.from_pretrained(folder, dtype=torch.float32, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe
