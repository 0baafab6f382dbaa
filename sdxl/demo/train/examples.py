"""Scenes for the companions' trainings, with what the model makes of them."""
from dataclasses import dataclass

import numpy as np
import torch

import models
import scenes

LENGTH = 48                                               # tokens of a caption
CHUNK = 20


@dataclass
class Examples:
    """Scenes as specs, pictures uint8 [n, h, w, 3], the same as signals [n, 3, h, w], owner maps [n, h, w], latents, token ids and time ids."""
    specs: list
    pictures: np.ndarray
    images: torch.Tensor
    owners: np.ndarray
    latents: torch.Tensor
    ids: torch.Tensor
    times: torch.Tensor


@torch.no_grad()
def latents_of(vae, signal):
    """The means of the latents of any number of pictures."""
    return torch.cat([vae.encode(x).latent_dist.mean for x in signal.split(CHUNK)])


def make(bundle, vae, scene, n, rng):
    """n scenes of scene(rng) -> spec, caption."""
    specs, captions = zip(*(scene(rng) for _ in range(n)))
    pictures, owners = zip(*(scenes.render(s, rng) for s in specs))
    pictures = np.stack(pictures)
    images = models.to_signal(pictures)
    ids = torch.from_numpy(bundle.tokens(list(captions)).astype(np.int64))[:, :LENGTH].clone()
    ids[:, -1] = bundle.tokens.eos
    times = torch.tensor([scenes.time_ids(s) for s in specs], dtype=torch.float32)
    return Examples(list(specs), pictures, images, np.stack(owners), latents_of(vae, images), ids, times)
