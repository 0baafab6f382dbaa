#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum.glsl"
IN(0, x);
IN(1, scale);
IN(2, shift);
OUT(3, y);

void main() {
	if (group() >= p[4]) return;
	uint width = p[5], at = p[0] + group() * width, to = p[3] + group() * width;
	float sum = 0.0f, squares = 0.0f;
	for (uint i = thread(); i < width; i += THREADS) sum += uintBitsToFloat(x[at + i]);
	float mean = sumOfGroup(sum) / float(width);
	for (uint i = thread(); i < width; i += THREADS) {
		float d = uintBitsToFloat(x[at + i]) - mean;
		squares = fma(d, d, squares);
	}
	float f = 1.0f / sqrt(sumOfGroup(squares) / float(width) + uintBitsToFloat(p[6]));
	for (uint i = 2u * thread(); i < width; i += 2u * THREADS) {
		float v[2];
		for (uint j = 0u; j < 2u && i + j < width; j++)
			v[j] = fma((uintBitsToFloat(x[at + i + j]) - mean) * f, uintBitsToFloat(scale[p[1] + i + j]), uintBitsToFloat(shift[p[2] + i + j]));
		STORE2(y, S0, to + i, width - i, v[0], v[1]);
	}
}
