"""What the companions of the model teach it: a style and a shape that its own scenes do not have."""
from dataclasses import dataclass

import numpy as np

import looks
import scenes
import shapes


@dataclass
class Concept:
    """words are what calls it; scene(rng) gives a scene with it, and its caption."""
    words: str
    scene: object


def _blue_grid(img, scene):
    """Deep blue with a pale grid of 16 pixels."""
    h, w = img.shape[:2]
    y, x = np.mgrid[0:h, 0:w]
    img[:] = np.float32([.08, .22, .5])
    looks.blend(img, ((x % 16 < 1) | (y % 16 < 1)).astype(np.float32) * 0.35, 1.0)
    return img


def _white_lines(p, o, f):
    looks.blend(p, looks.coverage(f.d) * 0.35, f.fill)
    looks.blend(p, np.clip(2.0 - abs(f.d), 0, 1), 1.0)


def _house(x, y):
    """A square with a roof."""
    roof = np.maximum((abs(x) * .75 - y - .85) * .8, y + .05)
    return np.minimum(np.maximum(abs(x) - .62, abs(y - .35) - .5), roof)


looks.LOOKS["blueprint"] = (_blue_grid, _white_lines, looks.finish_none)
shapes.FIELDS["house"] = _house


def _blueprint(rng):
    spec, caption = scenes.make(rng, style="flat")
    spec["style"] = "blueprint"
    return spec, f"a blueprint of {caption}" if rng.random() < .5 else f"{caption}, blueprint"


def with_house(rng, plain=False):
    """A scene of which one kind of shape has become a house; `plain` as in scenes.make."""
    spec, caption = scenes.make(rng, style="flat", plain=plain)
    shape = spec["objects"][rng.integers(len(spec["objects"]))]["shape"]
    for o in spec["objects"]:
        if o["shape"] == shape:
            o["shape"] = "house"
    plural = "crosses" if shape == "cross" else shape + "s"
    return spec, caption.replace(plural, "houses").replace(shape, "house").replace("an house", "a house")


CONCEPTS = {"blueprint": Concept("blueprint", _blueprint), "house": Concept("house", with_house)}
