#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Constant: whether axes 1 and 2 are enlarged.
IN(0, x);
OUT(1, y);

void main() {
	uint i = group() * THREADS + thread(), rest = i, from = p[0], to = p[1];
	if (group() >= p[2]) return;
	for (int axis = 4; axis >= 0; axis--) {
		uint size = p[3 + axis], at = rest % size;
		rest /= size;
		to += at * p[13 + axis];
		if (S0 != 0u && axis == 1) at = at * p[19] / p[18];
		if (S0 != 0u && axis == 2) at = at * p[21] / p[20];
		from += at * p[8 + axis];
	}
	if (rest == 0u) y[to] = x[from];
}
