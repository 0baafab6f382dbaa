"""Writes tensor/testdata/float8.safetensors: every code of the 8-bit formats, and
what torch 2.15 makes of it in float32. Run from the repository root."""
import torch
from safetensors.torch import save_file

codes = torch.arange(256, dtype=torch.int16).to(torch.uint8)
tensors = {}
for name, dtype in ("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2):
    stored = codes.clone().view(dtype)
    tensors[name], tensors[name + ".out"] = stored, stored.to(torch.float32)
save_file(tensors, "tensor/testdata/float8.safetensors")
