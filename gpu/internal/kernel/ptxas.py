"""Assembles each kernel for each kind of device. Usage: ptxas.py ptxas kernels.ptx.bz2"""
import bz2
import os
import re
import subprocess
import sys
import tempfile

PASCAL, TURING, AMPERE = (60, 75, 80, 86, 89, 90), (75,), (80, 86, 89, 90)
CONV3x3 = 3 | 1 << 8 | 1 << 16 | 3 << 24

# Constants of products: rows of halves, gated; rows of floats with bias and residual;
# pixels with bias, bias of channels and residual, after a doubling too.
PRODUCTS = [(0, 1, 1, 1, 0, 1, 1, 0), (0, 0, 1, 0, 0, 0, 21, 0), (1, 1, 1, 0, 0, 0, 7, CONV3x3), (1, 0, 1, 0, 1, 0, 17, CONV3x3 + (1 << 16))]


def variants(name):
    """Returns devices, constants, and the most registers of a thread, for so many blocks
    of a processor of 65536 registers as the kernel is planned for."""
    devices = AMPERE if name.endswith("_80") else TURING if name.endswith("_75") else PASCAL
    if name.startswith("matmul_128x160"):
        return devices, PRODUCTS, 255  # one block of 256 threads
    if name.startswith("matmul_64x64"):
        return devices, PRODUCTS, 168  # three of 128
    if name.startswith("attention"):
        return devices, [(1, 1, 1, 1, 0), (0, 0, 0, 0, 1)], 255  # two of 128
    if name == "gemm":
        return devices, [(0,) * 8, (2, 1, 1, 1), *PRODUCTS], 96  # five of 128
    return devices, [(0,) * 8, (1,) * 8, (5, 1, 1, 1, 1)], 64


failed = False
for part in bz2.decompress(open(sys.argv[2], "rb").read()).decode().split("// ")[1:]:
    name, text = part.split("\n", 1)
    devices, constants, limit = variants(name)
    most = 0
    for spec in constants:
        filled = re.sub(r"SPEC_(\d)", lambda m: str((spec + (0,) * 8)[int(m[1])]), text)
        with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
            file.write(filled)
            file.flush()
            for device in devices:
                r = subprocess.run([sys.argv[1], "-v", f"-arch=sm_{device}", "-o", os.devnull, file.name], capture_output=True, text=True)
                said = r.stdout + r.stderr
                numbers = re.search(r"Used (\d+) registers", said)
                if r.returncode or not numbers or "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" not in said or int(numbers[1]) > limit:
                    failed = True
                    print(f"{name}{spec} for sm_{device}, at most {limit} registers:\n{said}")
                else:
                    most = max(most, int(numbers[1]))
    print(f"{name}: {most} registers, of {limit}")
sys.exit(failed)
