"""Low-rank adapters over the layers of the model (Hu et al. 2021), and the files that they are kept in."""
import contextlib
import re

import torch
import torch.nn as nn
from safetensors.torch import save_file

PARTS = {"text_encoder": "lora_te1", "text_encoder_2": "lora_te2", "unet": "lora_unet"}
SKIP = ("time_emb", "add_embedding", "text_projection")


class Adapted(nn.Module):
    """A linear layer or convolution with up(down(x)) added to it; alpha is the rank, so that the factor is 1."""

    def __init__(self, layer, rank):
        super().__init__()
        self.layer, self.scale, self.rank = layer, 1.0, rank
        if isinstance(layer, nn.Linear):
            self.down, self.up = nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=False)
        else:
            self.down = nn.Conv2d(layer.in_channels, rank, layer.kernel_size, layer.stride, layer.padding, bias=False)
            self.up = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=5 ** .5)
        nn.init.zeros_(self.up.weight)

    def forward(self, x, *_):
        return self.layer(x) + self.up(self.down(x)) * self.scale if self.scale else self.layer(x)


@contextlib.contextmanager
def scaled(adapters, scale):
    """The adapters at another strength for a while; 0 is the model without them."""
    for a in adapters.values():
        a.scale = scale
    yield
    for a in adapters.values():
        a.scale = 1.0


def attach(bundle, rank, parts=tuple(PARTS), convolutions=False):
    """Puts adapters on the linear layers of attention and feed-forward, and on the convolutions of the blocks if asked.

    -> {(part, name): Adapted}. All else is frozen.
    """
    bundle.requires_grad_(False)
    found = {}
    for part in parts:
        root = getattr(bundle, part)
        for name, module in list(root.named_modules()):
            linear = isinstance(module, nn.Linear) and not any(s in name for s in SKIP) and "resnets" not in name
            convolution = convolutions and isinstance(module, nn.Conv2d) and name not in ("conv_in", "conv_out")
            if not linear and not convolution:
                continue
            parent, _, last = name.rpartition(".")
            found[part, name] = Adapted(module, rank)
            setattr(root.get_submodule(parent), last, found[part, name])
    return found


def sgm_name(name, per_block):
    """A module of the UNet under the name that sd-scripts gives it: blocks as Stability's own code counts them."""
    name = re.sub(r"^down_blocks\.(\d+)\.attentions\.(\d+)", lambda m: f"input_blocks.{1 + int(m[1]) * (per_block + 1) + int(m[2])}.1", name)
    name = re.sub(r"^up_blocks\.(\d+)\.attentions\.(\d+)", lambda m: f"output_blocks.{int(m[1]) * (per_block + 1) + int(m[2])}.1", name)
    return re.sub(r"^mid_block\.attentions\.(\d+)", lambda m: "middle_block.1", name)


def save_kohya(path, adapters, per_block, title, words):
    """The layout of sd-scripts' networks.lora."""
    tensors = {}
    for (part, name), a in adapters.items():
        if part == "unet":
            name = sgm_name(name, per_block)
        key = f"{PARTS[part]}_{name.replace('.', '_')}"
        tensors[key + ".lora_down.weight"], tensors[key + ".lora_up.weight"] = a.down.weight.detach().half(), a.up.weight.detach().half()
        tensors[key + ".alpha"] = torch.tensor(float(a.rank)).half()
    rank = str(next(iter(adapters.values())).rank)
    save_file(tensors, path, {"ss_network_module": "networks.lora", "ss_network_dim": rank, "ss_network_alpha": rank, "ss_output_name": title,
                              "ss_base_model_version": "sdxl_base_v1-0", "modelspec.title": title, "modelspec.trigger_phrase": words})


def save_peft(path, adapters):
    """The layout that diffusers writes: PEFT's names below the part's."""
    tensors = {}
    for (part, name), a in adapters.items():
        tensors[f"{part}.{name}.lora_A.weight"], tensors[f"{part}.{name}.lora_B.weight"] = a.down.weight.detach().half(), a.up.weight.detach().half()
    save_file(tensors, path, {"format": "pt"})
