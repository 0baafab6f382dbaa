"""Trains a small CLIP pair (text and image tower) on rendered scenes and their captions.

    python clip_pair.py --run DIR --minutes 10 --out FOLDER      goes on from DIR/clip_state.pt if there is one

DIR holds the tokenizer of bpe.py. Symmetric contrastive loss (Radford et al. 2021). Two linear heads beside it, one on each tower,
name the style, shapes and colours of the scene: they make the towers look at the right things early, and are dropped at the end.
Half of the pictures are softened a little, as an autoencoder would. Writes a float16 folder in the layout of transformers' CLIPModel.
"""
import argparse
import json
import os
import shutil

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

import scenes
from bpe import BOS, EOS, Encoder
from optim import Schedule, Trainer, clock

WIDTH, SIDE, PATCH, LENGTH = 96, 128, 16, 52
MEAN, STD = 0.5, 0.25                                      # of the pixels, for every channel
LABELS = len(scenes.STYLES) + len(scenes.SHAPES) + len(scenes.COLOR_NAMES)
LIMIT = 2_000_000                                          # bytes of the weights


def towers(encoder):
    common = dict(hidden_size=WIDTH, intermediate_size=3 * WIDTH, num_attention_heads=WIDTH // 32, hidden_act="quick_gelu")
    text = dict(common, vocab_size=len(encoder.vocab), num_hidden_layers=2, max_position_embeddings=77,
                bos_token_id=encoder.bos, eos_token_id=encoder.eos, pad_token_id=encoder.eos)
    vision = dict(common, num_hidden_layers=3, image_size=SIDE, patch_size=PATCH)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=96, attn_implementation="sdpa"))


class Pair(nn.Module):
    """The pair with the two heads of the training."""

    def __init__(self, encoder):
        super().__init__()
        self.clip = towers(encoder)
        self.image_head, self.text_head = nn.Linear(WIDTH, LABELS), nn.Linear(WIDTH, LABELS)

    def forward(self, pixels, ids):
        image = self.clip.vision_model(pixel_values=pixels).pooler_output
        text = self.clip.text_model(input_ids=ids).pooler_output
        a, b = F.normalize(self.clip.visual_projection(image), dim=-1), F.normalize(self.clip.text_projection(text), dim=-1)
        return a, b, self.image_head(image), self.text_head(text)


def labels(spec):
    """1 for the style, the shapes and the colours that are there."""
    v = np.zeros(LABELS, np.float32)
    v[scenes.STYLES.index(spec["style"])] = 1
    for o in spec["objects"]:
        v[len(scenes.STYLES) + scenes.SHAPES.index(o["shape"])] = 1
        v[len(scenes.STYLES) + len(scenes.SHAPES) + o["color"]] = 1
    return v


def scene(rng, held_out=False, style=None):
    """A scene in a style drawn evenly: the pair must know all of them."""
    return scenes.make(rng, held_out=held_out, style=style or scenes.STYLES[rng.integers(len(scenes.STYLES))])


class Scenes:
    """A pool of pictures; every batch replaces some. Captions of a picture stay with it."""

    def __init__(self, encode, seed, size):
        self.encode, self.rng = encode, np.random.default_rng(seed)
        self.pixels = np.empty((size, SIDE, SIDE, 3), np.uint8)
        self.ids, self.labels = np.empty((size, LENGTH), np.int64), np.empty((size, LABELS), np.float32)
        self.next = 0
        self.add(size)

    def add(self, n):
        made = [scene(self.rng) for _ in range(n)]
        for (spec, _), ids in zip(made, self.encode([c for _, c in made])):
            k = self.next % len(self.pixels)
            self.pixels[k], self.ids[k], self.labels[k] = scenes.render(spec, self.rng)[0], ids[:LENGTH], labels(spec)
            self.ids[k, -1] = self.encode.eos
            self.next += 1

    def batch(self, n):
        i = self.rng.integers(len(self.pixels), size=n)
        x = to_input(self.pixels[i])
        half = n // 2                                      # softened: blurred a little, with a little noise
        soft = F.avg_pool2d(F.pad(x[:half], (1, 1, 1, 1), mode="replicate"), 3, 1)
        mix = torch.rand(half, 1, 1, 1)
        x[:half] = x[:half] * (1 - mix) + soft * mix + 0.1 * torch.rand(half, 1, 1, 1) * torch.randn_like(soft)
        return x, torch.from_numpy(self.ids[i]), torch.from_numpy(self.labels[i])


def to_input(pixels):
    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - MEAN).div_(STD).contiguous()


def held_out(encode, n, seed=31337):
    """-> pictures, ids, specs and captions that the training never shows."""
    rng = np.random.default_rng(seed)
    made = [scene(rng, held_out=True) for _ in range(n)]
    return np.stack([scenes.render(s, rng)[0] for s, _ in made]), encode([c for _, c in made]).astype(np.int64), *zip(*made)


@torch.no_grad()
def embed(model, pixels, ids):
    """Unit vectors of pictures and of texts."""
    image = torch.cat([model.get_image_features(pixel_values=to_input(pixels[i:i + 50])).pooler_output for i in range(0, len(pixels), 50)])
    text = model.get_text_features(input_ids=torch.from_numpy(ids)).pooler_output
    return F.normalize(image, dim=-1), F.normalize(text, dim=-1)


def recall(image, text, candidates=100):
    """Share of the texts whose own picture comes first among so many, by groups in order."""
    hits = 0
    for i in range(0, len(image), candidates):
        s = text[i:i + candidates] @ image[i:i + candidates].T
        hits += (s.argmax(1) == torch.arange(len(s))).sum().item()
    return hits / len(image)


def export(pair, run, out):
    model = pair.clip.half()
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE, image_mean=[MEAN] * 3, image_std=[STD] * 3).save_pretrained(out)
    for f in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(run, f), out)
    with open(os.path.join(out, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump(dict(tokenizer_class="CLIPTokenizer", model_max_length=77, bos_token=BOS, eos_token=EOS, pad_token=EOS, unk_token=EOS), f, indent=2)
    size = os.path.getsize(os.path.join(out, "model.safetensors"))
    print(size, "bytes of weights")
    assert size <= LIMIT


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--lr", type=float, default=5e-3)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--pool", type=int, default=2500)
    p.add_argument("--fresh", type=int, default=6, help="new pictures for each batch")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    encode = Encoder(a.run)
    pair = Pair(encode)
    trainer = Trainer(pair, adam_only=("head", "projection", "logit_scale"))
    print(len(trainer.master), "parameters")
    state, base = os.path.join(a.run, "clip_state.pt"), 0.0
    if os.path.exists(state):
        s = torch.load(state)
        trainer.load(s["trainer"])
        base = s["seconds"]
    data = Scenes(encode, 2000 + a.seed + trainer.steps, a.pool)
    val = held_out(encode, 200, seed=99)
    start, losses, next_report, schedule = clock(), [], 60.0, Schedule(a.lr, a.minutes)
    while schedule.done() < 1:
        data.add(a.fresh)
        x, ids, want = data.batch(a.batch)
        image, text, from_image, from_text = pair(x, ids)
        logits = pair.clip.logit_scale.clamp(max=4.6).exp() * image @ text.T
        diagonal = torch.arange(len(x))
        contrast = (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2
        named = F.binary_cross_entropy_with_logits(from_image, want) + F.binary_cross_entropy_with_logits(from_text, want)
        (contrast + 2 * named).backward()
        trainer.step(schedule.rate(), 0.998)
        losses.append([contrast.item(), named.item()])
        elapsed = clock() - start
        if elapsed > next_report:
            trainer.swap_ema()
            r = recall(*embed(pair.clip, val[0], val[1]))
            trainer.unswap()
            torch.save(dict(trainer=trainer.state(), seconds=base + elapsed), state)
            print(f"{base + elapsed:6.0f} s  step {trainer.steps}  contrast %.3f  named %.3f" % tuple(np.mean(losses, 0)), f"recall {100 * r:.1f} %", flush=True)
            losses, next_report = [], elapsed + 60
    trainer.swap_ema()
    torch.save(dict(trainer=trainer.state(), seconds=base + clock() - start), state)
    pair.eval()
    pixels, ids, _, _ = held_out(encode, 500)
    print(f"recall at 1 of 500 held-out scenes among 100: {100 * recall(*embed(pair.clip, pixels, ids)):.1f} %")
    export(pair, a.run, a.out)


if __name__ == "__main__":
    main()
