#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum.glsl"
OUT(0, x);

void main() {
	if (group() >= p[1]) return;
	uint size = p[2], n = size, at = p[0] + group() * size;
	if (p[5] != 0u) n = min(n, p[4] + group() % p[3] + 1u);
	float most = -3.4e38f, sum = 0.0f;
	for (uint i = thread(); i < n; i += THREADS) most = max(most, uintBitsToFloat(x[at + i]));
	most = maxOfGroup(most);
	for (uint i = thread(); i < n; i += THREADS) {
		float e = exact_exp(uintBitsToFloat(x[at + i]) - most);
		STORE(x, at + i, e);
		sum += e;
	}
	float factor = 1.0f / sumOfGroup(sum);
	for (uint i = thread(); i < size; i += THREADS) {
		STORE(x, at + i, i < n ? uintBitsToFloat(x[at + i]) * factor : 0.0f);
	}
}
