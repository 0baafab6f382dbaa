"""Writes the captions of `easel bench quality`, and renders with this judge's scores to test its Go twin:

    python benchmark.py --out ../../../bench/quality
"""
import argparse
import json
import os

import numpy as np
from PIL import Image

import judge
import scenes


def plain(spec, caption):
    return dict(caption=caption, kind=spec["kind"], relation=spec.get("relation", ""),
                objects=[dict(shape=o["shape"], color=o["color"], x=round(o["x"], 2), y=round(o["y"], 2)) for o in spec["objects"]])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    out = p.parse_args().out
    pairs = judge.prompts()
    with open(os.path.join(out, "scenes.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps([plain(*sc) for sc in pairs]).replace("}, {\"caption", "},\n{\"caption") + "\n")
    # A sheet of 8 x 6 renders; every third is judged against the next scene, so that wrong pictures are there too.
    rng, chosen = np.random.default_rng(3), pairs[::len(pairs) // 48][:48]
    images = [scenes.render(s, rng)[0] for s, _ in chosen]
    sheet = np.concatenate([np.concatenate(images[i:i + 8], 1) for i in range(0, 48, 8)])
    Image.fromarray(sheet).save(os.path.join(out, "testdata", "renders.png"))
    expected = []
    for i, image in enumerate(images):
        spec, caption = chosen[(i + 1) % 48] if i % 3 == 2 else chosen[i]
        found, right = judge.score(spec, image)
        expected.append(dict(scene=plain(spec, caption), objects=bool(found), right=bool(right)))
    with open(os.path.join(out, "testdata", "renders.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps(expected).replace("}, {\"scene", "},\n{\"scene") + "\n")


if __name__ == "__main__":
    main()
