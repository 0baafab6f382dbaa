"""Seeded, endless scenes with captions.

    python scenes.py --out sheet.png     a sheet of scenes and the speed

A scene is laid out for a canvas of h x w pixels and may be shown through a crop (top, left) or blurred from a
lower original size, as the size and crop conditioning of SDXL describes.
"""
import argparse
import json
import os
import time

import numpy as np

from paint import COLOR_NAMES, RGB, STYLES, TEXTURES, paint
from shapes import SHAPES

KINDS = ["single", "count", "relation", "three", "inside"]
RELATIONS = ["left", "right", "above", "below", "beside"]
NUMBER = {2: "two", 3: "three", 4: "four"}
SYNONYM = {"gray": "grey", "purple": "violet"}
WORDS = {"left": ["left of", "to the left of", "on the left of"], "right": ["right of", "to the right of", "on the right of"],
         "above": ["above", "over", "on top of"], "below": ["below", "under", "beneath", "underneath"],
         "beside": ["next to", "beside", "and", "near"]}
OFFSET = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1), "beside": (-1, 0)}
INVERSE = {"left": "right", "right": "left", "above": "below", "below": "above", "beside": "beside"}
POSITIONS = {"": (64, 64), "in the center": (64, 64), "in the middle": (64, 64), "on the left": (30, 64), "on the right": (98, 64),
             "at the top": (64, 30), "at the bottom": (64, 98), "in the top left corner": (30, 30),
             "in the top right corner": (98, 30), "in the bottom left corner": (30, 98), "in the bottom right corner": (98, 98)}
RADII = {"small": (12, 16), "": (18, 25), "large": (33, 44)}
SIZE_WORDS = {"small": ["small", "tiny", "little"], "": [""], "large": ["large", "big", "huge"]}
CANVASES = [(128, 128), (96, 160), (160, 96), (112, 144), (144, 112)]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "request", "styles.json"), encoding="utf-8") as _f:
    PRESETS = json.load(_f)
NEGATIVE = {name: p["negative_prompt"].lower() for name, p in PRESETS.items()}

# (before, after) the caption, besides the template of the preset of the same name
PHRASES = {
    "flat": [("", "")] * 8 + [("flat vector art of ", ""), ("", ", flat design"), ("a picture of ", ""), ("an image of ", ""),
             ("an illustration of ", ""), ("there is ", ""), ("a simple drawing with ", "")],
    "3d-model": [("a 3d render of ", ""), ("", ", 3d render"), ("", ", 3d"), ("a 3d model of ", "")],
    "analog-film": [("an analog film photo of ", ""), ("", ", analog film"), ("a 35 mm film photo of ", "")],
    "anime": [("anime art of ", ""), ("", ", anime style"), ("an anime picture of ", "")],
    "cinematic": [("a cinematic shot of ", ""), ("", ", cinematic"), ("a movie still of ", "")],
    "comic-book": [("comic book art of ", ""), ("", ", comic book style"), ("a comic of ", "")],
    "digital-art": [("digital art of ", ""), ("", ", digital art"), ("a digital painting of ", "")],
    "enhance": [("an enhanced picture of ", ""), ("", ", enhanced"), ("", ", crisp focus")],
    "fantasy-art": [("fantasy art of ", ""), ("", ", fantasy art"), ("a fantasy illustration of ", "")],
    "isometric": [("an isometric view of ", ""), ("", ", isometric"), ("isometric ", "")],
    "line-art": [("line art of ", ""), ("", ", line art"), ("a line drawing of ", "")],
    "low-poly": [("low poly ", ""), ("", ", low poly"), ("low-poly art of ", "")],
    "modeling-compound": [("a clay model of ", ""), ("", " made of clay"), ("", ", modeling clay")],
    "neon-punk": [("neon sign of ", ""), ("", ", neon"), ("glowing neon ", ""), ("a neon sign of ", ", neon lights")],
    "origami": [("origami of ", ""), ("", ", origami"), ("", " folded from paper"), ("a paper origami of ", "")],
    "photographic": [("a photo of ", ""), ("a photograph of ", ""), ("", ", photographic"), ("", ", photorealistic"), ("a realistic photo of ", "")],
    "pixel-art": [("pixel art of ", ""), ("", ", pixel art"), ("pixel art, ", "")],
    "tile-texture": [("a tile texture of ", ""), ("", ", tile texture"), ("", " on tiles")],
    "watercolor": [("a watercolor painting of ", ""), ("", ", watercolor"), ("watercolor of ", "")],
    "sketch": [("a pencil sketch of ", ""), ("", ", pencil drawing"), ("a sketch of ", ""), ("", ", pencil sketch")],
}
for _name, _preset in PRESETS.items():                     # as often as all the others together
    PHRASES[_name] += [tuple(_preset["prompt"].lower().split("{prompt}"))] * len(PHRASES[_name])
NEGATED = .03                                             # share of training scenes with a negative prompt for a caption
FLAT = .38                                                # share of flat scenes; the other styles share the rest
KIND_SHARES = {"flat": [.20, .24, .33, .14, .09], "styled": [.45, .15, .26, .07, .07]}


def held_out_pair(shape, color):
    """Twelve (shape, colour) pairs, each shape and each colour once, that training never shows."""
    return (SHAPES.index(shape) + 5 * color) % 12 == 3


def held_out_relation(a, relation, b):
    """One in 16 (shape, relation, shape) triples, which training never shows."""
    return relation != "beside" and (7 * SHAPES.index(a) + 3 * SHAPES.index(b) + RELATIONS.index(relation)) % 16 == 5


def held_out_style(style, shape):
    """One shape of each style but the flat one, which training never shows in it."""
    return style != "flat" and (SHAPES.index(shape) + 5 * STYLES.index(style)) % 12 == 7


def _pick(rng, items):
    return items[rng.integers(len(items))]


def _object(rng, sizes=("small", "", "", "large"), background=-1, avoid=(), plain=False):
    """An object of a colour that neither the background nor `avoid` has."""
    while True:
        color, shape = int(rng.integers(12)), _pick(rng, SHAPES)
        if color != background and color not in avoid:
            break
    size = _pick(rng, sizes)
    return dict(shape=shape, color=color, size=size, word=_pick(rng, SIZE_WORDS[size]), r=float(rng.uniform(*RADII[size])),
                texture="" if plain else TEXTURES[rng.choice(5, p=[.68, .08, .08, .08, .08])],
                rotation=float(rng.normal(0, .06)), x=64., y=64.)


def _noun(rng, o, count=1):
    color = COLOR_NAMES[o["color"]]
    if rng.random() < .12:
        color = SYNONYM.get(color, color)
    shape = o["shape"] if count == 1 else "crosses" if o["shape"] == "cross" else o["shape"] + "s"
    late = rng.random() < .06
    words = [w for w in (o["word"], o["texture"], "" if late else color, shape) if w]
    return " ".join(words) + (f" that {'is' if count == 1 else 'are'} {color}" if late else "")


def phrase(rng, o, count=1):
    """'a small striped red circle', 'three red circles'."""
    n = _noun(rng, o, count)
    if count > 1:
        return f"{NUMBER[count]} {n}"
    u = rng.random()
    return n if u < .06 else f"one {n}" if u < .1 else ("an " if n[0] in "aeiou" else "a ") + n


def _make_background(rng):
    """-> what to paint, its words, the colour that objects must not have."""
    u = rng.random()
    if u < .34:
        paper = [.97, .97, .96] if rng.random() < .6 else [.8, .86, .93]
        return ("plain", np.array(paper, np.float32)), "", COLOR_NAMES.index("white")
    c = int(rng.integers(12))
    name, v = COLOR_NAMES[c], RGB[c]
    on = _pick(rng, ["on", "on", "against"])
    article = "an" if name[0] in "aeiou" else "a"
    if u < .84:
        shade, t = "", rng.random()
        if name not in ("white", "black"):
            if t < .3:
                v, shade = v * 0.42, "dark "
            elif t < .6:
                v, shade = v * 0.4 + 0.58, "light "
        return ("plain", v), f"{on} {'a' if shade else article} {shade}{name} background", c
    if u < .91:
        return ("gradient", v * .35 + .65, v * .55), f"{on} {article} {name} gradient background", c
    if u < .955:
        return ("night",), _pick(rng, ["in a starry night sky", "at night"]), -1
    return ("meadow",), _pick(rng, ["on a green meadow", "in a meadow under a blue sky"]), -1


def _single(rng, bg):
    o = _object(rng, background=bg)
    where = "" if rng.random() < .45 else _pick(rng, list(POSITIONS))
    x, y = POSITIONS[where]
    o["x"], o["y"] = (float(np.clip(v + rng.normal(0, 3), o["r"] + 2, 126 - o["r"])) for v in (x, y))
    return [o], f"{phrase(rng, o)} {where}".strip(), dict(position=where)


def _count(rng, bg):
    n, o = int(rng.integers(2, 5)), _object(rng, ("small", ""), bg)
    layout, row = rng.integers(3), False
    if n == 2:
        points, most = [(36, 64), (92, 64)] if layout else [(36, 40), (92, 88)], 21
    elif n == 3:
        row = layout == 0
        points, most = ([(24, 64), (64, 64), (104, 64)], 17) if row else ([(34, 88), (64, 36), (94, 88)], 21)
    else:
        row = layout == 0 and rng.random() < .4
        points, most = ([(19, 64), (49, 64), (79, 64), (109, 64)], 13) if row else ([(36, 36), (92, 36), (36, 92), (92, 92)], 21)
    o["r"] = min(o["r"], most)
    objects = [dict(o, x=x + rng.normal(0, 2), y=y + rng.normal(0, 2), rotation=rng.normal(0, .06)) for x, y in points]
    return objects, phrase(rng, o, n) + (" in a row" if row and (n == 4 or rng.random() < .6) else ""), {}


def _relation(rng, bg):
    a = _object(rng, ("small", "", ""), bg)
    while True:
        b = _object(rng, ("small", "", ""), bg)
        if (a["color"], a["shape"]) != (b["color"], b["shape"]) and (a["color"] != b["color"] or rng.random() < .3):
            break
    relation = RELATIONS[rng.choice(5, p=[.225, .225, .225, .225, .1])]
    dx, dy = OFFSET[relation]
    cx, cy = 64 + rng.normal(0, 2, 2)
    a["x"], a["y"], b["x"], b["y"] = np.array([cx + 29 * dx, cy + 29 * dy, cx - 29 * dx, cy - 29 * dy]) + rng.normal(0, 2, 4)
    pa, pb = phrase(rng, a), phrase(rng, b)
    words, u = _pick(rng, WORDS[relation]), rng.random()
    if words == "and" or u < .72:
        text = f"{pa} {words} {pb}"
    elif u < .8 and relation != "beside":
        text = f"{words} {pb} is {pa}"
    elif u < .88 and relation in ("above", "below"):
        text = f"{pb} with {pa} {'above' if relation == 'above' else 'below'} it"
    elif u < .94 and relation in ("left", "right"):
        l, r = (pa, pb) if relation == "left" else (pb, pa)
        text = f"{l} on the left and {r} on the right"
    elif u < .94 and relation in ("above", "below"):
        t, b_ = (pa, pb) if relation == "above" else (pb, pa)
        text = f"{t} at the top and {b_} at the bottom"
    else:
        text = f"{pa} is {words} {pb}"
    return [a, b], text, dict(relation=relation)


def _three(rng, bg):
    objects = []
    for i in range(3):
        o = _object(rng, ("small",), bg, [p["color"] for p in objects])
        o["word"] = o["word"] if rng.random() < .15 else ""
        o["r"] += 2
        o["x"], o["y"] = 24 + 40 * i + rng.normal(0, 1.5), 64 + rng.normal(0, 3)
        objects.append(o)
    a, b, c = (phrase(rng, o) for o in objects)
    u = rng.random()
    return objects, f"{b} between {a} and {c}" if u < .2 else f"{a}, {b}, and {c}" if u < .4 else f"{a}, {b} and {c}", {}


def _inside(rng, bg):
    while True:
        b = _object(rng, ("large",), bg, plain=True)
        if b["shape"] not in ("moon", "cross", "star", "ring", "flower"):
            break
    a = _object(rng, ("small",), -1, [b["color"]], plain=True)
    b["x"], b["y"] = 64 + rng.normal(0, 3, 2)
    a["x"], a["y"] = b["x"] + rng.normal(), b["y"] + (3 if b["shape"] == "triangle" else 0) + rng.normal()
    pa, pb = phrase(rng, a), phrase(rng, b)
    u = rng.random()
    return [b, a], f"{pa} inside {pb}" if u < .7 else f"{pb} with {pa} inside" if u < .85 else f"{pa} in {pb}", {}


_BUILD = dict(single=_single, count=_count, relation=_relation, three=_three, inside=_inside)


def _is_held_out(spec):
    o = spec["objects"]
    return any(held_out_pair(x["shape"], x["color"]) or held_out_style(spec["style"], x["shape"]) for x in o) or \
        "relation" in spec and (held_out_relation(o[0]["shape"], spec["relation"], o[1]["shape"]) or
                                held_out_relation(o[1]["shape"], INVERSE[spec["relation"]], o[0]["shape"]))


def make(rng, kind=None, held_out=False, canvas=(128, 128), style=None, plain=False, camera=False):
    """-> scene, caption. Training scenes (held_out=False) have no held-out combination; the others have at least one.

    plain: flat style, no textures, a background of one colour (what judge.py can read).  camera: sometimes cropped, or of a lower original size.
    """
    h, w = canvas
    style = "flat" if plain else style or ("flat" if rng.random() < FLAT else _pick(rng, STYLES[1:]))
    shares = KIND_SHARES["flat" if style == "flat" else "styled"]
    while True:
        bg, bg_words, bg_color = _make_background(rng)
        k = kind or KINDS[rng.choice(5, p=shares)]
        objects, text, extra = _BUILD[k](rng, bg_color)
        if plain and (bg[0] != "plain" or any(o["texture"] for o in objects)):
            continue
        if _is_held_out(dict(style=style, objects=objects, **extra)) == held_out:
            break
    spec = dict(kind=k, style=style, bg=bg, bg_words=bg_words, objects=objects, h=h, w=w, top=0, left=0, original=(h, w), **extra)
    for o in objects:
        o["x"] *= w / 128
        o["y"] *= h / 128
        o["r"] *= (min(h, w) / 128) ** 0.8
    if camera:
        u = rng.random()
        if u < .10:
            spec["top"], spec["left"] = (int(v) for v in rng.integers(0, min(h, w) // 2 + 1, 2) * (rng.random(2) < .7))
        elif u < .18:
            s = rng.uniform(.15, .6)
            spec["original"] = (int(h * s), int(w * s))
        elif u < .28:
            s = rng.uniform(1, 8)
            spec["original"] = (int(h * s), int(w * s))
    if bg_words:
        text = f"{bg_words}, {text}" if rng.random() < .12 else f"{text} {bg_words}"
    before, after = _pick(rng, PHRASES[style])
    if camera and rng.random() < NEGATED:                 # what a style is not, as its preset's negative prompt says
        return spec, _pick(rng, [text for name, text in NEGATIVE.items() if name != style])
    return spec, before + text + after


def render(spec, rng):
    """-> image uint8 [h, w, 3] and the owner map of `paint`."""
    img, owner = paint(spec, rng)
    pixels = (img * 255 + 0.5).astype(np.uint8)
    if spec["original"][0] < spec["h"]:
        from PIL import Image
        small = Image.fromarray(pixels).resize(spec["original"][::-1], Image.BOX)
        pixels = np.asarray(small.resize((spec["w"], spec["h"]), Image.BICUBIC))
    return pixels, owner


def time_ids(spec):
    """original size, crop and target size, as SDXL takes them."""
    return [*spec["original"], spec["top"], spec["left"], spec["h"], spec["w"]]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    from PIL import Image
    rng = np.random.default_rng(a.seed)
    start, made = time.time(), []
    for _ in range(400):
        spec, caption = make(rng, camera=True)
        made.append((render(spec, rng)[0], caption, spec))
    print(f"{400 / (time.time() - start):.0f} images/s")
    sheet = Image.new("RGB", (1300, 910), "gray")
    for i, (img, caption, spec) in enumerate(made[:70]):
        sheet.paste(Image.fromarray(img), (i % 10 * 130, i // 10 * 130))
        print(i, spec["kind"], time_ids(spec), caption)
    sheet.save(a.out)


if __name__ == "__main__":
    main()
