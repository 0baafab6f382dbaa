"""The parts of the model that are trained together, and a DPM++ 2M Karras sampler for them."""
import numpy as np
import torch
import torch.nn as nn

import models


class Bundle(nn.Module):
    """Two text encoders and the UNet."""

    def __init__(self, encoder):
        super().__init__()
        self.tokens = encoder
        ids = len(encoder.vocab), encoder.bos, encoder.eos
        self.text_encoder, self.text_encoder_2, self.unet = models.text_encoder(*ids), models.text_encoder_2(*ids), models.unet()

    def text(self, ids):
        """ids [n, length], padded with the end token -> hidden states and pooled embedding."""
        first_end = (ids == self.tokens.eos).int().argmax(1, keepdim=True)
        ids_2 = torch.where(torch.arange(ids.shape[1])[None] > first_end, 0, ids)
        h1 = self.text_encoder(ids, output_hidden_states=True).hidden_states[-2]
        o = self.text_encoder_2(ids_2, output_hidden_states=True)
        return torch.cat([h1, o.hidden_states[-2]], -1), o.text_embeds

    def forward(self, x, t, hidden, pooled, time_ids, **residuals):
        return self.unet(x, t, hidden, added_cond_kwargs=dict(text_embeds=pooled, time_ids=time_ids), **residuals).sample


def alphas_cumprod():
    """SDXL's scaled linear schedule."""
    return torch.cumprod(1 - torch.linspace(0.00085 ** .5, 0.012 ** .5, 1000, dtype=torch.float64) ** 2, 0)


@torch.no_grad()
def sample(bundle, captions, steps=20, cfg=5.0, seed=0, size=(128, 128), time_ids=None, negative=None):
    """Latents of the captions; without negative prompts the unconditional half has zero embeddings, as SDXL."""
    dtype, n = next(bundle.parameters()).dtype, len(captions)
    text = lambda prompts: bundle.text(torch.from_numpy(bundle.tokens(prompts).astype(np.int64)))
    given = text(captions)
    free = text(negative) if negative else [torch.zeros_like(v) for v in given]
    hidden, pooled = (torch.cat(v) for v in zip(free, given))
    tid = torch.tensor([time_ids or [*size, 0, 0, *size]] * (2 * n), dtype=dtype)
    alpha = alphas_cumprod()
    table = ((1 - alpha) / alpha).sqrt().numpy()
    lo, hi = table[0] ** (1 / 7), table[-1] ** (1 / 7)
    sigmas = [*(hi + np.linspace(0, 1, steps) * (lo - hi)) ** 7, 0.0]
    x = torch.randn(n, 4, size[0] // 8, size[1] // 8, generator=torch.Generator().manual_seed(seed)) * sigmas[0]
    last = None
    for i in range(steps):
        s, to = sigmas[i], sigmas[i + 1]
        t = torch.full((2 * n,), float(np.interp(np.log(s), np.log(table), np.arange(1000))))
        scaled = (x / (s * s + 1) ** .5).to(dtype)
        free, given = bundle(torch.cat([scaled, scaled]), t, hidden, pooled, tid).float().chunk(2)
        denoised = x - s * (free + cfg * (given - free))
        if to == 0:
            return denoised
        d = denoised
        if last is not None:
            r = np.log(sigmas[i - 1] / s) / np.log(s / to)
            d = (1 + 1 / (2 * r)) * denoised - 1 / (2 * r) * last
        x = to / s * x + (1 - to / s) * d
        last = denoised
