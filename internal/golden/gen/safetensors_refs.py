"""Writes safetensors/testdata: a file with every dtype that torch can save.

Run from the repository root with safetensors 0.8 and torch 2.15.
"""
import torch
from safetensors.torch import save_file

DTYPES = """bool float4_e2m1fn_x2 uint8 int8 float8_e5m2 float8_e4m3fn float8_e8m0fnu float8_e4m3fnuz
float8_e5m2fnuz int16 uint16 float16 bfloat16 int32 uint32 float32 complex64 float64 int64 uint64""".split()

tensors = {}
for name in DTYPES:
    dtype = getattr(torch, name)
    if name == "bool":
        t = torch.tensor([[True, False, True]])
    else:
        raw = torch.arange(0, 6 * dtype.itemsize, dtype=torch.uint8)
        t = raw.view(dtype).reshape(2, 3)
    tensors[name] = t
tensors["scalar"] = torch.tensor(1.5)
tensors["empty"] = torch.zeros(0, 4)
tensors['odd "name" \\ <&> é \u0001'] = torch.tensor([-1.0])
save_file(tensors, "safetensors/testdata/dtypes.safetensors", metadata={"format": "pt"})
