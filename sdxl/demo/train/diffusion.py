"""The noising of SDXL's training and its loss: epsilon prediction with min-SNR weights (Hang et al. 2023)."""
import torch

from bundle import alphas_cumprod

CLAMP = 5                                                 # of the signal to noise ratio, in the weights


def timesteps(n):
    """Stratified; 60 % of them where the layout is decided (more noise than not)."""
    u = (torch.arange(n) + torch.rand(n)) / n
    logit = torch.special.ndtri(u.clamp(1e-4, 1 - 1e-4)) * 0.9 + 0.5
    even = torch.rand(n) < 0.4
    return (1000 * torch.where(even, u[torch.randperm(n)], logit.sigmoid())).long().clamp(0, 999)


class Noising:
    """Latents with noise, and how far a prediction of that noise is off."""

    def __init__(self):
        self.alpha = alphas_cumprod().float()
        snr = self.alpha / (1 - self.alpha)
        self.weight = snr.clamp(max=CLAMP) / snr

    def at(self, t):
        """Factors of the latents and of the noise at the time steps t, each [n, 1, 1, 1]."""
        a = self.alpha[t].view(-1, 1, 1, 1)
        return a.sqrt(), (1 - a).sqrt()

    def draw(self, z):
        """-> noisy latents, time steps, the noise."""
        t, noise = timesteps(len(z)), torch.randn_like(z)
        signal, spread = self.at(t)
        return signal * z + spread * noise, t, noise

    def loss(self, out, noise, t):
        return (((out.float() - noise) ** 2).mean((1, 2, 3)) * self.weight[t]).mean()


def drop_captions(tokens, ids, empty=0.05, zeros=0.07):
    """Some captions become the empty prompt. -> ids, and a factor for the text's outputs: 0 for those without text, as SDXL has no negative prompt."""
    u = torch.rand(len(ids))
    ids = ids.clone()
    ids[:, -1] = tokens.eos
    ids[u < empty, 1:] = tokens.eos
    return ids, (~((u >= empty) & (u < empty + zeros))).float()
