#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
IN(0, x);
IN(1, affine);
OUT(2, y);

void main() {
	uint n = p[4], i = 2u * (group() * THREADS + thread());
	if (group() >= p[3] || i >= n) return;
	float v[2];
	for (uint j = 0u; j < 2u && i + j < n; j++) {
		uint at = p[1] + (i + j) / p[5] * 2u * p[6] + (i + j) % p[6];
		v[j] = activate(S2, fma(LOAD(x, S0, p[0] + i + j), uintBitsToFloat(affine[at]), uintBitsToFloat(affine[at + p[6]])));
	}
	STORE2(y, S1, p[2] + i, n - i, v[0], v[1]);
}
