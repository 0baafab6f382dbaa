#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
IN(0, x);
OUT(1, y);

void main() {
	uint i = group() * THREADS + thread(), size = p[3], rows = p[4];
	if (group() >= p[2] || i >= size) return;
	float total = 0.0f;
	for (uint h = 0u; h < p[5]; h++) {
		float sum = 0.0f;
		for (uint r = 0u; r < rows; r++) sum += uintBitsToFloat(x[p[0] + (h * rows + r) * size + i]);
		total += sum;
	}
	total *= uintBitsToFloat(p[6]);
	if (p[7] != 0u) total += uintBitsToFloat(y[p[1] + i]);
	STORE(y, p[1] + i, total);
}
