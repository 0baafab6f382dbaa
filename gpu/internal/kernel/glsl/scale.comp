#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
IN(0, moments);
IN(1, gain);
IN(2, shift);
OUT(3, affine);

void main() {
	if (group() >= p[4]) return;
	uint blocks = p[5], channels = p[6], groups = p[7], per = channels / groups, g = group() % groups, b = group() / groups;
	// Merged in order (Chan, Golub and LeVeque 1979); every thread does, as few numbers as there are.
	float mean = 0.0f, squares = 0.0f, count = 0.0f;
	for (uint i = 0u; i < blocks; i++) {
		uint at = p[0] + 4u * ((b * blocks + i) * groups + g);
		float d = uintBitsToFloat(moments[at]) - mean, n = uintBitsToFloat(moments[at + 2u]), all_ = count + n;
		squares += uintBitsToFloat(moments[at + 1u]) + d * d * (count * n / all_);
		mean = fma(d, n / all_, mean);
		count = all_;
	}
	float f = 1.0f / sqrt(squares / count + uintBitsToFloat(p[8]));
	for (uint c = g * per + thread(); c < (g + 1u) * per; c += THREADS) {
		float mul = f * uintBitsToFloat(gain[p[1] + c]);
		uint to = p[3] + b * 2u * channels + c;
		STORE(affine, to, mul);
		STORE(affine, to + channels, fma(-mean, mul, uintBitsToFloat(shift[p[2] + c])));
	}
}
