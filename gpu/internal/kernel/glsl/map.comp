#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Constants: operation (0 activate, 1 add, 2 add channels, 3 multiply, 4 scale and
// shift, 5 GEGLU), activation, format of x, b and y.
IN(0, x);
IN(1, b);
OUT(2, y);

float element(uint i) {
	uint c = p[5];
	if (S0 == 5u) {
		uint at = p[0] + i / c * 2u * c + i % c;
		return LOAD(x, S2, at) * gelu(LOAD(x, S2, at + c));
	}
	float v = LOAD(x, S2, p[0] + i);
	if (S0 == 0u) return activate(S1, v);
	if (S0 == 1u) return v + LOAD(b, S3, p[1] + i);
	if (S0 == 2u) return v + LOAD(b, S3, p[1] + i / p[6] * c + i % c);
	if (S0 == 3u) return v * LOAD(b, S3, p[1] + i);
	return fma(uintBitsToFloat(p[7]), v, uintBitsToFloat(p[8]));
}

void main() {
	uint n = p[4], i = 2u * (group() * THREADS + thread());
	if (group() >= p[3] || i >= n) return;
	float v[2];
	for (uint j = 0u; j < 2u && i + j < n; j++) v[j] = element(i + j);
	STORE2(y, S4, p[2] + i, n - i, v[0], v[1]);
}
