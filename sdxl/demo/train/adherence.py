"""How well pictures follow what is asked under each companion, beside the same without it; drawn by diffusers, read by judge.py.

    python adherence.py --model ../model --companions ../companions [--share 0.2] [--only edges layout]

Companions that are not in the folder are left out.
"""
import argparse
import os

import concepts                                           # before the judge, which knows the shapes that there are
import numpy as np
import torch

import judge
import pipelines
import scenes
from controls import CONTROLS, boxes, canny, near
from train_inpaint import swapped
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


def house(model, file, pairs):
    """The LoRA's shape in scenes that the judge can read."""
    rng = np.random.default_rng(2)
    specs, captions = zip(*(concepts.with_house(rng, plain=True) for _ in pairs))
    yield "without", right(specs, pipelines.draw(pipelines.pipeline(model), captions))
    yield "with", right(specs, pipelines.draw(pipelines.pipeline(model, file), captions))


def inversion(model, file, pairs):
    """The picture that the new word stands for."""
    specs, pipe = [badge(np.random.default_rng(0))] * max(1, len(pairs) // 4), pipelines.pipeline(model)
    yield "without", right(specs, pipelines.draw(pipe, ["a badge"] * len(specs)))
    word = pipelines.add_word(pipe, file, "<badge>")
    yield "with", right(specs, pipelines.draw(pipe, [f"a {word}"] * len(specs)))


def four_steps(model, file, pairs):
    """Twenty steps with guidance, and four without, by kind."""
    specs, captions = zip(*pairs)
    yield "20 steps, cfg 5, without", "\n" + judge.table(specs, pipelines.draw(pipelines.pipeline(model), captions))
    for name, lora in (("without", None), ("with", file)):
        yield "4 steps, no guidance, " + name, "\n" + judge.table(specs, pipelines.draw(pipelines.few_steps(model, lora), captions, steps=4, cfg=1.0))


def controlled(model, folder, pairs):
    """-> name, specs, owner maps, renders, drawn pictures: without and with a ControlNet."""
    pictures, owners = rendered(pairs)
    specs, captions = zip(*pairs)
    yield "without", specs, owners, pictures, pipelines.draw(pipelines.pipeline(model), captions)
    control = CONTROLS[os.path.basename(folder)]
    given = [control(*scene) for scene in zip(specs, pictures, owners)]
    yield "with", specs, owners, pictures, pipelines.draw(pipelines.controlled(model, folder), captions, image=given)


def edges(model, folder, pairs):
    """The share of the asked edges that are drawn, and of the drawn ones that were asked."""
    for name, specs, _, asked, drawn in controlled(model, folder, pairs):
        x, y = [canny(p) for p in asked], [canny(p) for p in drawn]
        found, kept = (np.mean([near(q, NEAR)[p].mean() if p.any() else 1 for p, q in zip(*both)]) for both in ((x, y), (y, x)))
        yield name, f"{100 * found:.0f} % of the edges drawn, {100 * kept:.0f} % of the drawn ones asked, {right(specs, drawn)}"


def layout(model, folder, pairs):
    """The share of the boxes with the asked shape in the middle."""
    for name, specs, owners, _, drawn in controlled(model, folder, pairs):
        hits = []
        for spec, owner, image in zip(specs, owners, drawn):
            things = judge.read(image)
            for k, x0, y0, x1, y1 in boxes(owner, len(spec["objects"])):
                hits.append(any(t.shape == spec["objects"][k]["shape"] and abs(t.x - (x0 + x1) / 2) < OFF and abs(t.y - (y0 + y1) / 2) < OFF for t in things))
        yield name, f"{100 * np.mean(hits):.0f} % of the boxes hold their shape, {right(specs, drawn)}"


def inpaint(model, folder, pairs):
    """Another object in the place of the one that is there; the rest stays."""
    specs = [s for s, _ in pairs if s["kind"] == "single"]
    pictures, owners = rendered([(s, "") for s in specs])
    rng = np.random.default_rng(4)
    asked, captions, masks = zip(*(swapped(*scene, rng) for scene in zip(specs, owners)))
    yield "the picture as it was", right(asked, pictures)
    drawn = pipelines.fill_in(pipelines.inpainting(model, folder), captions, pictures, masks)
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
        path = os.path.join(a.companions, file)
        if not os.path.exists(path):
            print(f"{file}: not in {a.companions}")
            continue
        for name, result in COMPANIONS[file](a.model, path, pairs):
            print(f"{file}, {name}: {result}", flush=True)


if __name__ == "__main__":
    main()
