"""The first-block cache of diffusers' transformers (hooks/first_block_cache.py), over its UNet.

The head is conv_in and the first ResNet block, the tail all else up to conv_norm_out; diffusers' own test decides which calls run it.
"""
import contextlib
import types

from diffusers.hooks.first_block_cache import FBCHeadBlockHook, FBCSharedBlockState
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput


@contextlib.contextmanager
def use(unet, threshold):
    c = FirstBlockCache(unet, threshold)
    whole = unet.forward
    unet.forward = c
    try:
        yield c
    finally:
        unet.forward = whole
        for hook in c.hooks:
            hook.remove()


class FirstBlockCache:
    def __init__(self, unet, threshold):
        self.unet, self.whole, self.state, self.runs = unet, unet.forward, FBCSharedBlockState(), []
        self.hook = types.SimpleNamespace(threshold=threshold, state_manager=types.SimpleNamespace(get_state=lambda: self.state))
        head = unet.down_blocks[0].resnets[0]
        self.hooks = [head.register_forward_hook(self.keep_head), unet.conv_norm_out.register_forward_pre_hook(self.keep_tail)]

    def keep_head(self, module, args, output):
        self.state.head_block_output = output

    def keep_tail(self, module, args):
        self.state.tail_block_residuals = args[0] - self.state.head_block_output

    def __call__(self, sample, timestep, encoder_hidden_states, added_cond_kwargs, return_dict=True, **_):
        unet = self.unet
        t = unet.time_embedding(unet.get_time_embed(sample, timestep))
        temb = t + unet.get_aug_embed(t, encoder_hidden_states, added_cond_kwargs)
        x = unet.conv_in(sample)
        # forward, as the hooks are for the whole network.
        head = unet.down_blocks[0].resnets[0].forward(x, temb)
        residual = head - x
        compute = FBCHeadBlockHook._should_compute_remaining_blocks(self.hook, residual)
        self.runs.append(compute)
        if compute:
            y = self.whole(sample, timestep, encoder_hidden_states, added_cond_kwargs=added_cond_kwargs, return_dict=False)[0]
            self.state.head_block_residual = residual
        else:
            y = unet.conv_out(unet.conv_act(unet.conv_norm_out.forward(head + self.state.tail_block_residuals)))
        return UNet2DConditionOutput(y) if return_dict else (y,)
