#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
IN(0, x);
IN(1, ids);
OUT(2, y);

void main() {
	uint i = group() * THREADS + thread(), length_ = p[4], width = p[5];
	int token = int(p[6]);
	if (group() >= p[3] || i >= p[7] * width) return;
	uint b = i / width, at = 0u, first = p[1] + b * length_;
	for (uint t = 0u; t < length_; t++) {
		int id = int(ids[first + t]);
		if (token >= 0 && id == token) {
			at = t;
			break;
		}
		if (token < 0 && id > int(ids[first + at])) at = t;
	}
	y[p[2] + i] = x[p[0] + (b * length_ + at) * width + i % width];
}
