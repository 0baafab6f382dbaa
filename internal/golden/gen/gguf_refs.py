"""Writes internal/golden/testdata/files/types.gguf by the Python package gguf: a tensor of
each type that easel reads, one stored as ComfyUI-GGUF stores kernels, and metadata of
all kinds; and types.safetensors with the same tensors in float32. Run from the
repository root."""
import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from safetensors.numpy import save_file

rng = np.random.default_rng(7)
writer = gguf.GGUFWriter("internal/golden/testdata/files/types.gguf", "sdxl")
writer.add_quantization_version(2)
writer.add_uint8("a.u8", 200)
writer.add_int8("a.i8", -3)
writer.add_uint16("a.u16", 60000)
writer.add_int16("a.i16", -300)
writer.add_int32("a.i32", -70000)
writer.add_uint64("a.u64", 1 << 40)
writer.add_int64("a.i64", -(1 << 40))
writer.add_float32("a.f32", 0.1)
writer.add_float64("a.f64", 0.1)
writer.add_bool("a.bool", True)
writer.add_array("a.words", ["one", "two"])
writer.add_array("a.numbers", [1, 2, 3])
wide = {}
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}
for name, places in HALVES.items():
    kind = gguf.GGMLQuantizationType[name]
    values, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (256 // values, size), dtype=np.uint8)
    for place in places:
        blocks[:, place : place + 2] = rng.normal(size=len(blocks)).astype(np.float16).view(np.uint8).reshape(-1, 2)
    stored = blocks.reshape(1, -1)
    writer.add_tensor(f"{name}.weight", stored, raw_dtype=kind)
    wide[f"{name}.weight"] = gguf.dequantize(stored, kind)
plain = rng.normal(size=(3, 5)).astype(np.float32)
writer.add_tensor("F32.weight", plain)
writer.add_tensor("F16.weight", plain.astype(np.float16))
writer.add_tensor("BF16.weight", gguf.quantize(plain, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
wide["F32.weight"], wide["F16.weight"] = plain, plain.astype(np.float16).astype(np.float32)
wide["BF16.weight"] = gguf.dequantize(gguf.quantize(plain, gguf.GGMLQuantizationType.BF16), gguf.GGMLQuantizationType.BF16)
kernel = rng.normal(size=(8, 8, 3, 3)).astype(np.float32)
stored = gguf.quantize(kernel.reshape(-1, 192), gguf.GGMLQuantizationType.Q8_0)
writer.add_array("comfy.gguf.orig_shape.kernel.weight", kernel.shape)
writer.add_tensor("kernel.weight", stored, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
wide["kernel.weight"] = gguf.dequantize(stored, gguf.GGMLQuantizationType.Q8_0).reshape(kernel.shape)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
save_file(wide, "internal/golden/testdata/files/types.safetensors")
