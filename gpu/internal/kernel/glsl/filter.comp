#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Constants: whether there is frequency -1 along rows, and along columns.
IN(0, x);
IN(1, table);
IN(2, sums);
OUT(3, y);
#include "turn.glsl"

void main() {
	uint i = group() * THREADS + thread(), h = p[5], w = p[6], channels = p[7];
	if (group() >= p[4] || i >= p[8]) return;
	uint pixel = i / channels % (h * w), b = i / channels / (h * w), c = i % channels;
	float v = 0.0f;
	for (uint f = 0u; f < 4u; f++) {
		if (f >= 2u && S0 == 0u || f % 2u == 1u && S1 == 0u) continue;
		vec2 t = turn(p[1], h, w, pixel / w, pixel % w, f);
		uint at = p[2] + 8u * (b * channels + c) + 2u * f;
		v += uintBitsToFloat(sums[at]) * t.x + uintBitsToFloat(sums[at + 1u]) * t.y;
	}
	STORE(y, p[3] + i, fma(uintBitsToFloat(p[9]), v, uintBitsToFloat(x[p[0] + i])));
}
