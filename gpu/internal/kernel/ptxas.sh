#!/usr/bin/env bash
# Compiles the PTX of the kernels with NVIDIA's assembler for devices from Pascal to
# Hopper: none may keep registers in memory, or take more of them than its blocks have.
set -euo pipefail
cd "$(dirname "$0")"
ptxas=${EASEL_PTXAS:-}
if [ -z "$ptxas" ]; then
	venv=$(mktemp -d)
	trap 'rm -rf "$venv"' EXIT
	python3 -m venv "$venv"
	"$venv/bin/pip" -q install --no-deps nvidia-cuda-nvcc-cu12==12.9.86
	ptxas=$(echo "$venv"/lib/python3*/site-packages/nvidia/cuda_nvcc/bin/ptxas)
fi
python3 ptxas.py "$ptxas" kernels.ptx.bz2
