"""Tiny random CLIP and SigLIP models as Hugging Face publishes them, pictures and texts, and what transformers makes of them:

    python clip_refs.py ../testdata/clip

Each model's folder has refs.safetensors beside the model: text_embeds and image_embeds (normalised), logits, and the
preprocessed pixels of every picture; texts.json has the texts.
"""
import argparse
import json
import pathlib
import random

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, models as tokenizer_models, trainers
from transformers import (CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer, CLIPVisionConfig,
                          CLIPVisionModelWithProjection, Siglip2Tokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel)

import models

TEXTS = ["a red circle", "", "a", "two cats and three dogs below an old lighthouse at dusk, oil painting, detailed", "Ünïcode \u2603 snow",
         "the  moon\tis  blue", "one two three four " * 12, "A RED CIRCLE.", "star", "a photo of a cat"]


def pictures(folder, rng):
    """Pictures of odd sizes and kinds."""
    def noise(*size):
        small = Image.fromarray(rng.integers(0, 256, (size[1] // 4 + 1, size[0] // 4 + 1, 3), dtype=np.uint8))
        return small.resize(size, Image.Resampling.BILINEAR)

    alpha = noise(53, 41)
    alpha.putalpha(Image.fromarray(rng.integers(0, 256, (41, 53), dtype=np.uint8)))
    out = {"large": noise(200, 133), "tall": noise(33, 150), "small": noise(9, 7), "same": noise(32, 32), "alpha": alpha,
           "gray": noise(60, 60).convert("L"), "grayalpha": alpha.convert("LA"), "palette": noise(64, 48).quantize(64), "wide": noise(301, 20),
           "bits": noise(50, 40).convert("1"), "line": noise(1, 90)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in out.items():
        image.save(folder / f"{name}.png")
    return {name: Image.open(folder / f"{name}.png") for name in out}


def randomise(model, seed):
    """Weights large enough that every part of a tower shows in its vector."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if name.endswith("logit_scale"):
            p.data.fill_(2.6592)
        elif name.endswith("logit_bias"):
            p.data.fill_(-3.5)
        elif p.ndim == 1 and "norm" in name and name.endswith("weight"):
            p.data = 1 + 0.2 * torch.randn(p.shape, generator=g)
        elif p.ndim <= 1:
            p.data = 0.3 * torch.randn(p.shape, generator=g)
        else:
            fan = p[0].numel()
            p.data = torch.randn(p.shape, generator=g) * (1.2 / fan ** 0.5 if "embedding" not in name or "patch" in name else 0.7)
    return model.eval()


def clip_tokenizer(folder):
    vocab, rules = models.train_bpe(models.WORDS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(r) for r in rules) + "\n")
    t = CLIPTokenizer.from_pretrained(folder)
    t.model_max_length = 77
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        model_max_length=77, pad_token="<|endoftext|>", bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>",
        tokenizer_class="CLIPTokenizer")))
    return CLIPTokenizer.from_pretrained(folder), len(vocab)


def gemma_tokenizer(folder):
    """A small vocabulary of Gemma's kind: pieces with U+2581 for spaces, and bytes."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    t = Tokenizer(tokenizer_models.BPE())
    words = [w for word in models.WORDS for w in (word, "\u2581" + word, "\u2581" + word + "\u2581", "\u2581\u2581" + word)]
    t.train_from_iterator(words, trainers.BpeTrainer(vocab_size=400, special_tokens=special + [f"<0x{b:02X}>" for b in range(256)], show_progress=False))
    trained = json.loads(t.to_str())["model"]
    tokenizer = Siglip2Tokenizer(vocab=trained["vocab"], merges=[tuple(m) for m in trained["merges"]], add_bos_token=False, add_eos_token=True,
                                 padding_side="right", model_max_length=64)
    tokenizer.save_pretrained(folder)
    return tokenizer, len(tokenizer)


def vision(**kwargs):
    return dict(hidden_size=48, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, **kwargs)


def write_clip(folder, images, seed, act, size, patch, dtype=torch.float32):
    tokenizer, vocab = clip_tokenizer(folder)
    torch.manual_seed(seed)
    eos = tokenizer.eos_token_id
    config = CLIPConfig(
        projection_dim=20, text_config=dict(hidden_size=32, intermediate_size=72, num_hidden_layers=2, num_attention_heads=2, vocab_size=vocab,
                                            hidden_act=act, max_position_embeddings=77, eos_token_id=eos, bos_token_id=eos - 1, pad_token_id=eos, projection_dim=20),
        vision_config=vision(image_size=size, patch_size=patch, hidden_act=act, projection_dim=20))
    model = randomise(CLIPModel(config), seed).to(dtype)
    model.save_pretrained(folder)
    processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    processor.save_pretrained(folder)
    tokens = tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    references(folder, model.float(), processor, tokens, images)
    return model


def references(folder, model, processor, tokens, images):
    pixels = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in images.values()])
    with torch.inference_mode():
        out = model(input_ids=tokens["input_ids"], attention_mask=tokens.get("attention_mask"), pixel_values=pixels)
    save_file({"input_ids": tokens["input_ids"].to(torch.int32), "text_embeds": out.text_embeds.contiguous(), "image_embeds": out.image_embeds.contiguous(),
               "logits": out.logits_per_image.contiguous(), "pixels": pixels.contiguous()}, folder / "refs.safetensors")
    (folder / "texts.json").write_text(json.dumps({"texts": TEXTS, "pictures": list(images)}, ensure_ascii=True))


def write_vision(folder, images, seed):
    config = CLIPVisionConfig(projection_dim=20, image_size=28, patch_size=7, hidden_act="gelu", **vision())
    model = randomise(CLIPVisionModelWithProjection(config), seed)
    model.save_pretrained(folder)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size={"height": 28, "width": 28})
    processor.save_pretrained(folder)
    pixels = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in images.values()])
    with torch.inference_mode():
        embeds = model(pixel_values=pixels).image_embeds
    save_file({"image_embeds": torch.nn.functional.normalize(embeds, dim=-1).contiguous(), "pixels": pixels.contiguous()}, folder / "refs.safetensors")
    (folder / "texts.json").write_text(json.dumps({"texts": [], "pictures": list(images)}))


def write_siglip(folder, images, seed):
    tokenizer, vocab = gemma_tokenizer(folder)
    config = SiglipConfig(
        text_config=dict(hidden_size=48, intermediate_size=72, num_hidden_layers=2, num_attention_heads=3, vocab_size=vocab, max_position_embeddings=64),
        vision_config=vision(image_size=32, patch_size=8))
    model = randomise(SiglipModel(config), seed)
    model.save_pretrained(folder)
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    tokens = tokenizer(TEXTS, padding="max_length", max_length=64, truncation=True, return_tensors="pt")
    tokens.pop("attention_mask", None)
    references(folder, model, processor, tokens, images)


def write_open_clip(folder, images, seed, act):
    """A model of OpenCLIP's names with its own tokenizer, which needs the whole vocabulary: a small model has few layers."""
    import open_clip
    from open_clip.transform import image_transform_v2, PreprocessCfg
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    config = dict(embed_dim=24, quick_gelu=act == "quick_gelu", vision_cfg=dict(image_size=32, layers=2, width=32, head_width=16, patch_size=8),
                  text_cfg=dict(context_length=77, vocab_size=49408, width=8, heads=2, layers=2))
    model = randomise(open_clip.CLIP(**config), seed).half()
    save_file({k: v.contiguous() for k, v in model.state_dict().items() if k != "attn_mask"}, folder / "open_clip_model.safetensors")
    model = model.float()
    (folder / "open_clip_config.json").write_text(json.dumps(dict(model_cfg=config, preprocess_cfg=dict(
        mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711], interpolation="bicubic", resize_mode="shortest"))))
    prepare = image_transform_v2(PreprocessCfg(size=(32, 32)), is_train=False)
    # OpenCLIP drops alpha, which easel lays on white, and resizes palettes and bits by nearest neighbour.
    opaque = {name: image for name, image in images.items() if image.mode in ("RGB", "L")}
    pixels = torch.stack([prepare(image) for image in opaque.values()])
    texts = [t.replace("\u2603", "") for t in TEXTS]
    with torch.inference_mode():
        image, text, scale = model(pixels, open_clip.get_tokenizer("ViT-B-32")(texts))[:3]
    save_file({"text_embeds": text.contiguous(), "image_embeds": image.contiguous(), "logits": (scale * image @ text.T).contiguous(),
               "pixels": pixels.contiguous()}, folder / "refs.safetensors")
    (folder / "texts.json").write_text(json.dumps({"texts": texts, "pictures": list(opaque)}))


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--seed", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(1)
    images = pictures(args.out / "pictures", np.random.default_rng(args.seed))
    write_clip(args.out / "quick", images, args.seed, "quick_gelu", 32, 8)
    write_clip(args.out / "exact", images, args.seed + 1, "gelu", 35, 7, torch.float16)
    write_vision(args.out / "vision", images, args.seed + 2)
    write_siglip(args.out / "siglip", images, args.seed + 3)
    write_open_clip(args.out / "open", images, args.seed + 4, "gelu")
