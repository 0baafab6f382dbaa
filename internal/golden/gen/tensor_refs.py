"""Writes tensor/testdata: operands and results of NumPy and torch.

Run from the repository root with numpy 2.4, torch 2.15 and safetensors 0.8.
A case's tensors are <case>.0, <case>.1, ... and <case>.out; what a case means
is in tensor/reference_test.go.
"""
import json
import math

import numpy as np
import torch
from safetensors.torch import save_file

rng = np.random.default_rng(20240229)
tensors = {}


def case(name, out, *inputs):
    for i, t in enumerate(inputs):
        tensors[f"{name}.{i}"] = torch.as_tensor(np.ascontiguousarray(t) if isinstance(t, np.ndarray) else t)
    tensors[f"{name}.out"] = torch.as_tensor(np.array(out) if not torch.is_tensor(out) else out).contiguous()


def normal(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


# Two operands. torch computes F16 and BF16 in float32 and rounds.
binary = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div,
    "Maximum": torch.maximum, "Minimum": torch.minimum, "Pow": torch.pow,
}
for name, f in binary.items():
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        a, b = torch.tensor(normal(3, 1, 5)).to(dtype), torch.tensor(normal(4, 1)).to(dtype)
        if name == "Pow":
            a = a.abs()
        case(f"{name} {str(dtype)[6:]}", f(a, b), a, b)
    if name == "Pow":
        continue
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        info = np.iinfo(dtype)
        a = rng.integers(info.min, info.max, (2, 7), dtype, endpoint=True)
        b = rng.integers(info.min, info.max, (7,), dtype, endpoint=True)
        b[b == 0] = 1
        if name == "Div":  # toward zero, as C does; b is never -1 with the least a
            b = np.where(b == -1, 2, b) if info.min < 0 else b
            q = [[int(abs(int(x)) // abs(int(y))) * (1 if (x < 0) == (y < 0) else -1) for x, y in zip(r, b)] for r in a]
            out = np.array(q, dtype)
        else:
            out = getattr(np, {"Add": "add", "Sub": "subtract", "Mul": "multiply"}.get(name, name.lower()))(a, b)
        case(f"{name} {dtype}", out, a, b.astype(dtype))

# One operand, results in float64.
x = np.concatenate([np.linspace(-12, 12, 49), [0.0, -0.0, 1e-30, 0.5, 1.5, 2.5, np.inf, -np.inf, np.nan]])
t = torch.tensor(x)
F = torch.nn.functional
unary = {
    "Neg": torch.neg, "Abs": torch.abs, "Exp": torch.exp, "Log": torch.log, "Sqrt": torch.sqrt, "Sin": torch.sin,
    "Cos": torch.cos, "Tanh": torch.tanh, "Round": torch.round, "Sigmoid": torch.sigmoid, "SiLU": F.silu,
    "GELU": lambda v: v * torch.tensor([math.erfc(-x / math.sqrt(2)) / 2 for x in v.tolist()], dtype=torch.float64),  # exact in the tail
    "QuickGELU": lambda v: v * torch.sigmoid(1.702 * v), "Clamp": lambda v: v.clamp(-1, 2),
}
for name, f in unary.items():
    case(f"{name} float64", f(t), t)
    for dtype in (torch.float32, torch.bfloat16):
        v = t.to(dtype)
        case(f"{name} {str(dtype)[6:]}", f(v.double()).to(dtype), v)

# Comparisons.
a, b = np.array([[1, 2, np.nan], [np.inf, -0.0, 3]], np.float32), np.array([1, 0, np.nan], np.float32)
case("Less", a < b, a, b)
case("Greater", a > b, a, b)
case("Eq", a == b, a, b)
case("Where", np.where(a < b, a, b), a < b, a, b)

# Reductions.
for dtype in (np.float64, np.float32):
    v = normal(3, 4, 5, dtype=dtype)
    d = v.astype(np.float64)
    n = np.dtype(dtype).name
    case(f"Sum all {n}", d.sum().astype(dtype), v)
    case(f"Sum 1 {n}", d.sum(1).astype(dtype), v)
    case(f"Sum 0,-1 keep {n}", d.sum((0, 2), keepdims=True).astype(dtype), v)
    case(f"Mean 0 {n}", d.mean(0).astype(dtype), v)
    case(f"Var 1,2 {n}", d.var((1, 2)).astype(dtype), v)
    case(f"Var unbiased {n}", d.var(-1, ddof=1, keepdims=True).astype(dtype), v)
    case(f"Max 0,1 {n}", v.max((0, 1)), v)
    case(f"Min 2 keep {n}", v.min(2, keepdims=True), v)
    case(f"ArgMax 1 {n}", v.argmax(1), v)
    case(f"Softmax 1 {n}", torch.softmax(torch.tensor(d), 1).numpy().astype(dtype), v)
    case(f"Softmax -1 {n}", torch.softmax(torch.tensor(d), -1).numpy().astype(dtype), v)
v = normal(70, 130)
d = v.astype(np.float64)
for name, out in {"Sum": d.sum(), "Mean": d.mean(), "Var": d.var(), "Max": d.max(), "Min": d.min()}.items():
    case(f"{name} long", out.astype(np.float32), v)
case("ArgMax long", v.reshape(-1).argmax(), v.reshape(-1))
v = rng.integers(-100, 100, (6, 7), np.int8)
case("Sum int8", v.sum(0, dtype=np.int64), v)
case("Max int8", v.max(1), v)
case("ArgMax int8", v.argmax(0), v)
v = np.array([[1, np.nan, 3], [4, 4, 2]], np.float32)
case("Max nan", v.max(1), v)
case("Min nan", v.min(1), v)
case("ArgMax nan", v.argmax(1), v)

# Matrix products. Those of the narrow dtypes are exact.
shapes = {
    "plain": ((7, 9), (9, 5)), "batch": ((4, 3, 8), (4, 8, 2)), "broadcast": ((2, 1, 3, 4), (5, 4, 6)),
    "left vector": ((6,), (2, 6, 3)), "right vector": ((2, 3, 6), (6,)), "vectors": ((11,), (11,)),
    "outer": ((4, 1), (1, 5)), "large": ((65, 130), (130, 70)),
}
for name, (sa, sb) in shapes.items():
    a, b = normal(*sa), normal(*sb)
    case(f"MatMul {name}", np.matmul(a.astype(np.float64), b).astype(np.float32), a, b)
for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn):
    a, b = rng.integers(-1, 2, (3, 5)), rng.integers(-1, 2, (5, 4))
    case(f"MatMul {str(dtype)[6:]}", torch.tensor(a @ b).to(dtype), torch.tensor(a).to(dtype), torch.tensor(b).to(dtype))
a, b = rng.integers(-100, 100, (3, 5), np.int8), rng.integers(-100, 100, (5, 4), np.int8)
case("MatMul int8", np.matmul(a, b), a, b)

# Views and joins.
v = normal(4, 5, 6)
case("Slice", v[:, 1:5:2, -4:-1], v)
case("Flip", v[:, ::-1, ::-1], v)
case("Permute", v.transpose(2, 0, 1), v)
case("Index", v[:, -2], v)
case("Expand", np.broadcast_to(v[:, :1], (3, 4, 7, 6)), v)
a, b = normal(2, 3), normal(2, 4)
case("Concat", np.concatenate([a, b, a], 1), a, b)
case("Stack", np.stack([a, a * 2], -1), a, a * 2)
case("Arange", np.arange(-2, 3, 0.25, np.float32))
case("Linspace", np.linspace(-1, 2, 23))

# Conversions.
codes = torch.arange(256, dtype=torch.uint8)
edges = np.concatenate([
    normal(500) * np.exp(rng.uniform(-25, 14, 500)).astype(np.float32),
    [0.0, -0.0, np.inf, -np.inf, np.nan, 448, 464, 464.001, 480, 57344, 61439, 61440, 65504, 65519, 65520, 3.4e38, 2**-9, 2**-10,
     2**-10 * 1.001, 2**-16, 2**-17, 2**-17 * 1.001, 1.0625, 1.1875, 1.125, 1.375],
]).astype(np.float32)
for name in ("float8_e4m3fn", "float8_e5m2"):
    dtype = getattr(torch, name)
    case(f"Convert {name} to float32", codes.view(dtype).float(), codes.view(dtype))
    case(f"Convert float32 to {name}", torch.tensor(edges).to(dtype), torch.tensor(edges))
    case(f"Convert {name} to bfloat16", codes.view(dtype).to(torch.bfloat16), codes.view(dtype))
for name in ("float16", "bfloat16"):
    case(f"Convert float32 to {name}", torch.tensor(edges).to(getattr(torch, name)), torch.tensor(edges))
d = np.concatenate([edges.astype(np.float64) * (1 + 2.0**-40), [1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-11 - 2.0**-40, 65520 - 2.0**-20, 1e300]])
with np.errstate(over="ignore"):
    case("Convert float64 to float16", d.astype(np.float16), d)
    case("Convert float64 to float32", d.astype(np.float32), d)
i = rng.integers(-2**63, 2**63 - 1, 100, np.int64, endpoint=True)
for name in ("int8", "uint8", "int16", "uint32", "uint64", "float32", "float64", "bool"):
    case(f"Convert int64 to {name}", i.astype(name), i)
whole = np.array([0, 1.9, -1.9, 100.5, -128, 127], np.float32)
case("Convert float32 to int8", whole.astype(np.int8), whole)

save_file({k: v.clone() for k, v in tensors.items()}, "tensor/testdata/ops.safetensors")

# Printing.
np.set_printoptions(precision=4)
prints = {}
for name, v in {
    "whole": np.arange(12, dtype=np.float32).reshape(2, 2, 3),
    "fractions": np.linspace(-1, 1, 30),
    "short": np.array([[1.5, 2.25], [-3, 100]]),
    "exponents": np.array([1e-10, 1.5, np.nan]),
    "wide range": np.array([1e-3, 10000.0]),
    "large": np.array([1e8, 1]),
    "special": np.array([1.5, np.inf, -np.inf, np.nan]),
    "integers": np.array([[1, -20], [300, 4]], np.int64),
    "extremes": np.array([2**63 - 1, -2**63], np.int64),
    "unsigned": np.array([2**64 - 1, 0], np.uint64),
    "long": np.arange(2000, dtype=np.float32).reshape(20, 100),
    "longer": np.arange(1001, dtype=np.int32),
    "thousand": np.arange(1000, dtype=np.int32).reshape(10, 100),
    "tiny": np.full((2, 2), 1e-6, np.float64),
    "scalar": np.array(3.25, np.float32),
    "empty": np.zeros((0,), np.float32),
}.items():
    prints[name] = {"dtype": {"f4": "F32", "f8": "F64", "i4": "I32", "i8": "I64", "u8": "U64"}[v.dtype.str[1:]],
                    "shape": v.shape, "hex": v.tobytes().hex(), "text": str(v)}
with open("tensor/testdata/print.json", "w") as f:
    json.dump(prints, f, indent=0)
