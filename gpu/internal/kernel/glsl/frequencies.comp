#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
IN(0, x);
IN(1, table);
OUT(2, sums);
#include "turn.glsl"

void main() {
	uint i = group() * THREADS + thread(), h = p[4], w = p[5], channels = p[6];
	if (group() >= p[3] || i >= p[7] * channels) return;
	uint b = i / channels, c = i % channels;
	for (uint f = 0u; f < 4u; f++) {
		vec2 total = vec2(0.0f);
		for (uint row = 0u; row < h; row++) {
			vec2 sum = vec2(0.0f);
			for (uint column = 0u; column < w; column++) {
				float v = uintBitsToFloat(x[p[0] + ((b * h + row) * w + column) * channels + c]);
				sum += v * turn(p[1], h, w, row, column, f);
			}
			total += sum;
		}
		STORE(sums, p[2] + 8u * i + 2u * f, total.x);
		STORE(sums, p[2] + 8u * i + 2u * f + 1u, total.y);
	}
}
