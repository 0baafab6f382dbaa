"""DeepCache (Ma et al. 2023, arXiv 2312.00858) over diffusers' UNet.

Every `interval`-th call runs the whole network and keeps the image that meets skip number `branch` on the way up. The calls
between make the skips up to that one anew and begin the way up there, with what was kept.
"""
import contextlib

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput


@contextlib.contextmanager
def use(unet, cache):
    """Lets a UNet use a cache, such as "deepcache:3:1"; None is none."""
    if not cache:
        yield
        return
    _, interval, *branch = cache.split(":")
    d = DeepCache(unet, int(interval), int(branch[0]) if branch else 0)
    whole = unet.forward
    unet.forward = d
    try:
        yield
    finally:
        unet.forward = whole
        d.hook.remove()


class DeepCache:
    def __init__(self, unet, interval, branch):
        self.unet, self.interval, self.branch, self.calls = unet, interval, branch, 0
        self.whole = unet.forward
        # The way down as the steps that leave a skip each, the way up as those that take one, from the last skip on.
        self.down = [None]  # conv_in
        for block in unet.down_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            self.down += list(zip(block.resnets, attentions))
            self.down += block.downsamplers or []
        self.up = []
        for block in unet.up_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for i, resnet in enumerate(block.resnets):
                last = i == len(block.resnets) - 1
                self.up.append((resnet, attentions[i], (block.upsamplers or []) if last else []))
        assert len(self.up) == len(self.down)
        self.hook = self.up[-1 - branch][0].register_forward_pre_hook(self.keep)

    def keep(self, resnet, args):
        if self.capture:
            self.deep = args[0][:, :-self.skip_channels()].clone()

    def skip_channels(self):
        part = self.down[self.branch]
        if part is None:
            return self.unet.conv_in.out_channels
        return (part[0] if isinstance(part, tuple) else part).out_channels

    def __call__(self, sample, timestep, encoder_hidden_states, added_cond_kwargs, return_dict=True, **_):
        self.capture = self.calls % self.interval == 0
        self.calls += 1
        if self.capture:
            y = self.whole(sample, timestep, encoder_hidden_states, added_cond_kwargs=added_cond_kwargs, return_dict=False)[0]
        else:
            y = self.shallow(sample, timestep, encoder_hidden_states, added_cond_kwargs)
        return UNet2DConditionOutput(y) if return_dict else (y,)

    def shallow(self, sample, timestep, context, added):
        unet = self.unet
        t = unet.time_embedding(unet.get_time_embed(sample, timestep))
        temb = t + unet.get_aug_embed(t, context, added)
        x = unet.conv_in(sample)
        skips = [x]
        for part in self.down[1:self.branch + 1]:
            x = self.step(part, x, temb, context)
            skips.append(x)
        x = self.deep
        for resnet, attention, upsamplers in self.up[-1 - self.branch:]:
            x = self.step((resnet, attention), torch.cat([x, skips.pop()], 1), temb, context)
            for up in upsamplers:
                x = up(x, skips[-1].shape[2:])
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(x)))

    @staticmethod
    def step(part, x, temb, context):
        if not isinstance(part, tuple):
            return part(x)
        resnet, attention = part
        x = resnet(x, temb)
        return x if attention is None else attention(x, encoder_hidden_states=context, return_dict=False)[0]
