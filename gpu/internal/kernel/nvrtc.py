"""Compiles the kernels to PTX with NVRTC, which is reached through ctypes: it comes
without a program. Usage: nvrtc.py libnvrtc.so kernels.ptx.bz2"""
import bz2
import ctypes
import pathlib
import re
import sys

here = pathlib.Path(__file__).parent
lib = ctypes.CDLL(sys.argv[1])

# A kernel is the body of a struct, so that its bindings are members.
WRAPPED = """
#include "arguments.cuh"
struct Kernel {
	const Arguments &arguments;
%s
};
extern "C" __global__ void __launch_bounds__(THREADS_OF_BLOCK, BLOCKS) %s(const Arguments arguments) { Kernel{arguments}.main(); }
"""


def check(result):
    if result:
        lib.nvrtcGetErrorString.restype = ctypes.c_char_p
        sys.exit(lib.nvrtcGetErrorString(result).decode())


def output(program, what):
    size = ctypes.c_size_t()
    check(getattr(lib, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    check(getattr(lib, f"nvrtcGet{what}")(program, buffer))
    return buffer.value.decode()


def compile(name, source, arch, *defines):
    files = {f.name: f.read_text() for folder in ("glsl", "cuda") for f in sorted((here / folder).iterdir())}
    headers = (ctypes.c_char_p * len(files))(*(t.encode() for t in files.values()))
    names = (ctypes.c_char_p * len(files))(*(n.encode() for n in files))
    program = ctypes.c_void_p()
    check(lib.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), len(files), headers, names))
    options = [f"--gpu-architecture={arch}", "--std=c++17", "--device-as-default-execution-space", *defines]
    result = lib.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*(o.encode() for o in options)))
    if result:
        sys.exit(f"{name}: {output(program, 'ProgramLog')}")
    ptx = output(program, "PTX")
    check(lib.nvrtcDestroyProgram(ctypes.byref(program)))
    return ptx


texts = []


def add(name, ptx):
    # The kernels use nothing that is newer than PTX 7.0, which CUDA 11.0 and later load.
    ptx = re.sub(r"(?m)^\.version .*$", ".version 7.0", ptx)
    ptx = re.sub(r"(?m)^\s*(//.*)?\n", "", ptx)  # comments name the compiler's build
    texts.append(f"// {name}\n{ptx}")


def build(source, name, arch, threads, blocks, **macros):
    body = re.sub(r"(?m)^#(version|extension).*$", "", source.read_text())
    defines = {"THREADS_OF_BLOCK": threads, "BLOCKS": blocks, **macros}
    add(name, compile(source.name, WRAPPED % (body, name), arch, *(f"-D{k}={v}" for k, v in defines.items())))


for source in sorted((here / "glsl").glob("*.comp")):
    build(source, source.stem, "compute_60", 128, 1)

# Tiles of a block and of a warp; the same as in cuda.tiles of the driver.
for bm, bn, wm, wn, blocks in (128, 160, 32, 80, 1), (64, 64, 32, 32, 3):
    for arch, stages in (75, 2), (80, 4):
        threads = bm // wm * (bn // wn) * 32
        build(here / "cuda/matmul.cu", f"matmul_{bm}x{bn}_{arch}", f"compute_{arch}", threads, blocks, BM=bm, BN=bn, WM=wm, WN=wn, STAGES=stages)
for arch in 75, 80:
    build(here / "cuda/attention.cu", f"attention_{arch}", f"compute_{arch}", 128, 2)

file, text = pathlib.Path(sys.argv[2]), "".join(texts).encode()
# The same text may compress to other bytes elsewhere.
if not file.exists() or bz2.decompress(file.read_bytes()) != text:
    file.write_bytes(bz2.compress(text))
