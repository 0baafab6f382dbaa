#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum.glsl"
IN(0, x);
OUT(1, moments);

void main() {
	if (group() >= p[2]) return;
	uint pixels = p[3], channels = p[4], groups = p[5], size = p[6], blocks = p[7], per = channels / groups;
	uint g = group() % groups, block = group() / groups % blocks, b = group() / groups / blocks;
	uint first = block * size, count = (min(first + size, pixels) - first) * per;
	uint at = p[0] + (b * pixels + first) * channels + g * per;
	float sum = 0.0f, squares = 0.0f;
	for (uint i = thread(); i < count; i += THREADS) sum += LOAD(x, S0, at + i / per * channels + i % per);
	float mean = sumOfGroup(sum) / float(count);
	for (uint i = thread(); i < count; i += THREADS) {
		float d = LOAD(x, S0, at + i / per * channels + i % per) - mean;
		squares = fma(d, d, squares);
	}
	squares = sumOfGroup(squares);
	if (thread() != 0u) return;
	uint to = p[1] + 4u * group();
	STORE(moments, to, mean);
	STORE(moments, to + 1u, squares);
	STORE(moments, to + 2u, float(count));
	STORE(moments, to + 3u, 0.0f);
}
