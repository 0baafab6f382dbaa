"""How well pictures follow what is asked under each companion, beside the same without it; drawn by diffusers, read by judge.py.

    python adherence.py --model ../model --companions ../companions [--share 0.2] [--only edges layout]

Companions that are not in the folder are left out.
"""
import argparse
import os

import concepts                                           # before the judge, which knows the shapes that there are
import numpy as np
import torch
from diffusers import (ControlNetModel, LCMScheduler, StableDiffusionXLControlNetPipeline, StableDiffusionXLInpaintPipeline,
                       UNet2DConditionModel)
from PIL import Image

import companions
import judge
import scenes
from controls import CONTROLS, boxes, canny, near
from train_inpaint import fill
from train_inversion import badge

COUNTS = (50, 40, 70, 40, 20)                             # captions of each kind
NEAR = 2                                                  # pixels that a drawn edge may be off
OFF = 10                                                  # pixels that the middle of an object may be off its box's


def right(specs, images):
    return f"{100 * np.mean([judge.score(s, i)[1] for s, i in zip(specs, images)]):.0f} % all right"


def rendered(pairs):
    rng = np.random.default_rng(1)
    pictures, owners = zip(*(scenes.render(s, rng) for s, _ in pairs))
    return pictures, owners


def house(a, pairs):
    """The LoRA's shape in scenes that the judge can read."""
    rng = np.random.default_rng(2)
    specs, captions = zip(*(concepts.with_house(rng, plain=True) for _ in pairs))
    for name, pipe in (("without", companions.pipeline(a.model)), ("with", companions.pipeline(a.model, os.path.join(a.companions, "house.safetensors")))):
        yield name, right(specs, companions.draw(pipe, captions))


def inversion(a, pairs):
    """The picture that the new word stands for."""
    specs, pipe = [badge(np.random.default_rng(0))] * max(1, len(pairs) // 4), companions.pipeline(a.model)
    yield "without", right(specs, companions.draw(pipe, ["a badge"] * len(specs)))
    word = companions.add_word(pipe, os.path.join(a.companions, "badge.safetensors"), "<badge>")
    yield "with", right(specs, companions.draw(pipe, [f"a {word}"] * len(specs)))


def four_steps(a, pairs):
    """Twenty steps with guidance, and four without, by kind."""
    specs, captions = zip(*pairs)
    pipe = companions.pipeline(a.model)
    yield "20 steps, cfg 5", "\n" + judge.table(specs, companions.draw(pipe, captions))
    yield "4 steps, no guidance, without", right(specs, companions.draw(pipe, captions, steps=4, cfg=1.0))
    pipe.load_lora_weights(os.path.join(a.companions, "four-steps.safetensors"))
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    yield "4 steps, no guidance, with", "\n" + judge.table(specs, companions.draw(pipe, captions, steps=4, cfg=1.0))


def controlled(a, pairs, control):
    """-> name, specs, owner maps, renders, drawn pictures: without and with a ControlNet."""
    pictures, owners = rendered(pairs)
    specs, captions = zip(*pairs)
    pipe = companions.pipeline(a.model)
    yield "without", specs, owners, pictures, companions.draw(pipe, captions)
    net = ControlNetModel.from_pretrained(os.path.join(a.companions, control), torch_dtype=torch.float32)
    pipe = StableDiffusionXLControlNetPipeline.from_pipe(pipe, controlnet=net)
    pipe.set_progress_bar_config(disable=True)
    given = [Image.fromarray(CONTROLS[control](*scene)) for scene in zip(specs, pictures, owners)]
    yield "with", specs, owners, pictures, companions.draw(pipe, captions, image=given)


def edges(a, pairs):
    """The share of the asked edges that are drawn, and of the drawn ones that were asked."""
    for name, specs, _, asked, drawn in controlled(a, pairs, "edges"):
        x, y = [canny(p) for p in asked], [canny(p) for p in drawn]
        found, kept = (np.mean([near(q, NEAR)[p].mean() if p.any() else 1 for p, q in zip(*both)]) for both in ((x, y), (y, x)))
        yield name, f"{100 * found:.0f} % of the edges drawn, {100 * kept:.0f} % of the drawn ones asked, {right(specs, drawn)}"


def layout(a, pairs):
    """The share of the boxes with the asked shape in the middle."""
    for name, specs, owners, _, drawn in controlled(a, pairs, "layout"):
        hits = []
        for spec, owner, image in zip(specs, owners, drawn):
            things = judge.read(image)
            for k, x0, y0, x1, y1 in boxes(owner, len(spec["objects"])):
                hits.append(any(t.shape == spec["objects"][k]["shape"] and abs(t.x - (x0 + x1) / 2) < OFF and abs(t.y - (y0 + y1) / 2) < OFF for t in things))
        yield name, f"{100 * np.mean(hits):.0f} % of the boxes hold their shape, {right(specs, drawn)}"


def inpaint(a, pairs):
    """Another object in the place of the one that is there; the rest stays."""
    singles = [p for p in pairs if p[0]["kind"] == "single"]
    pictures, owners = rendered(singles)
    rng, asked, captions, masks = np.random.default_rng(4), [], [], []
    for (spec, _), owner in zip(singles, owners):
        o, background = spec["objects"][0], spec["bg_words"]
        others = [c for c in range(len(scenes.COLOR_NAMES)) if c != o["color"] and scenes.COLOR_NAMES[c] not in (background or "white")]
        new = dict(o, shape=rng.choice([s for s in scenes.SHAPES if s != o["shape"]]), color=int(rng.choice(others)))
        asked.append(dict(spec, objects=[new]))
        captions.append(f"a {scenes.COLOR_NAMES[new['color']]} {new['shape']} {background}".strip())
        _, x0, y0, x1, y1 = next(boxes(owner, 1))
        mask = np.zeros(owner.shape, np.uint8)
        fill(mask, x0 - 8, y0 - 8, x1 + 8, y1 + 8)
        masks.append(mask)
    yield "the picture as it was", right(asked, pictures)
    base = companions.pipeline(a.model)
    net = UNet2DConditionModel.from_pretrained(os.path.join(a.companions, "inpaint"), torch_dtype=torch.float32)
    pipe = StableDiffusionXLInpaintPipeline(base.vae, base.text_encoder, base.text_encoder_2, base.tokenizer, base.tokenizer_2, net, base.scheduler,
                                            add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    drawn = companions.draw(pipe, captions, image=[Image.fromarray(p) for p in pictures], mask_image=[Image.fromarray(m * 255) for m in masks], strength=[1.0] * len(masks))
    outside = [abs(p.astype(int) - d)[m == 0].mean() for p, d, m in zip(pictures, drawn, masks)]
    yield "with", f"{right(asked, drawn)}, outside the mask {np.mean(outside):.1f} levels off"


COMPANIONS = {"house.safetensors": house, "badge.safetensors": inversion, "four-steps.safetensors": four_steps, "edges": edges, "layout": layout,
              "inpaint": inpaint}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="../model")
    p.add_argument("--companions", default="../companions")
    p.add_argument("--share", type=float, default=1.0, help="share of the captions")
    p.add_argument("--only", nargs="+", default=list(COMPANIONS), help="files or folders of the companions")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    pairs = judge.prompts(counts=[max(1, int(a.share * n)) for n in COUNTS])
    for file in a.only:
        if not os.path.exists(os.path.join(a.companions, file)):
            print(f"{file}: not in {a.companions}")
            continue
        for name, result in COMPANIONS[file](a, pairs):
            print(f"{file}, {name}: {result}", flush=True)


if __name__ == "__main__":
    main()
