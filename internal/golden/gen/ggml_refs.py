"""Writes internal/golden/testdata/files/ggml.safetensors: random blocks of ggml's types with what
gguf makes of them in float32, and random numbers with the blocks that gguf makes
of those. Run from the repository root."""
import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from safetensors.numpy import save_file

rng = np.random.default_rng(19)
# Where in a block factors in half precision lie; random ones would often be no numbers.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
tensors = {}
for name, places in HALVES.items():
    kind = gguf.GGMLQuantizationType[name]
    values, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (512 // values, size), dtype=np.uint8)
    for place in places:
        factor = rng.normal(size=len(blocks)).astype(np.float16)
        factor[0] = np.float16(6e-8) # subnormal
        blocks[:, place : place + 2] = factor.view(np.uint8).reshape(-1, 2)
    tensors[name] = blocks.reshape(1, -1)
    tensors[name + ".out"] = gguf.dequantize(tensors[name], kind)

wide = rng.normal(size=(4, 256)).astype(np.float32)
wide[1] *= 1e-3
wide[2] = np.round(wide[2] * 4) / 4  # ties, and magnitudes that occur twice
wide[3, :32] = 0
wide[3, 32:64] = np.abs(wide[3, 32:64])
tensors["wide"] = wide
for name in "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0":
    tensors[name + ".made"] = gguf.quantize(wide, gguf.GGMLQuantizationType[name])
save_file(tensors, "internal/golden/testdata/files/ggml.safetensors")
