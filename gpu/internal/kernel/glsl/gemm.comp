#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Constants: mode (0 linear, 1 convolution, 2 batched), format of x, w and y,
// activation, gated, flags, taps. A tile of 64 rows and 32 columns a work group,
// 4 x 4 a thread.
IN(0, x);
IN(1, w);
IN(2, bias);
IN(3, channel);
IN(4, residual);
OUT(5, y);

CONST uint BM = 64u, BN = 32u, BK = 16u;
CONST uint M = 7u, N = 8u, K = 9u, TILES = 10u;

SHARED(float, as, BK * (BM + 1u));
SHARED(float, bs, BK * (BN + 1u));

#define KW (S7 & 255u)
#define STRIDE ((S7 >> 8) & 255u)
#define FACTOR ((S7 >> 16) & 255u)

// elementX returns x[m,k], 0 outside the matrix or the image.
float elementX(uint m, uint k, uint z) {
	if (m >= p[M] || k >= p[K]) return 0.0f;
	if (S0 == 0u) return LOAD(x, S1, p[0] + m * p[K] + k);
	if (S0 == 2u) return LOAD(x, S1, p[0] + z + m * p[11] + k);
	uint C = p[11], H = p[12], W = p[13], OH = p[14], OW = p[15];
	uint tap = k / C, c = k - tap * C, b = m / (OH * OW), q = m - b * OH * OW, oy = q / OW, ox = q - oy * OW;
	int iy = int(oy * STRIDE + tap / KW) - int(p[16]), ix = int(ox * STRIDE + tap % KW) - int(p[17]);
	if (iy < 0 || ix < 0 || iy >= int(H * FACTOR) || ix >= int(W * FACTOR)) return 0.0f;
	return LOAD(x, S1, p[0] + ((b * H + uint(iy) / FACTOR) * W + uint(ix) / FACTOR) * C + c);
}

// elementW returns w[n,k] of column n of a tile; both halves of a gated column lie
// side by side.
float elementW(uint n, uint k, uint z) {
	if (n >= p[N] || k >= p[K]) return 0.0f;
	if (S0 == 2u) return LOAD(w, S2, p[1] + z + n * p[12] + k * p[13]);
	uint row = S5 != 0u ? (n >> 1) + (n & 1u) * (p[N] >> 1) : n;
	return LOAD(w, S2, p[1] + row * p[K] + k);
}

float finish(uint m, uint n, float v) {
	if ((S6 & 1u) != 0u) v += uintBitsToFloat(bias[p[2] + n]);
	if ((S6 & 2u) != 0u) v += uintBitsToFloat(channel[p[3] + m / (p[14] * p[15]) * p[N] + n]);
	if ((S6 & 4u) != 0u) v += LOAD(residual, S6 & 8u, p[4] + m * p[N] + n);
	return activate(S4, v);
}

// finishRow writes four columns of a row from sums.
void finishRow(uint m, uint n, uint z, float a, float b, float c, float d) {
	if (m >= p[M] || n >= p[N]) return;
	float v[4];
	v[0] = a;
	v[1] = b;
	v[2] = c;
	v[3] = d;
	if (S5 != 0u) {
		uint half_ = p[N] >> 1, o = n >> 1, at = p[5] + m * half_ + o, left = half_ - o;
		for (uint j = 0u; j < 4u; j++) {
			if ((S6 & 1u) != 0u && o + j / 2u < half_) v[j] += uintBitsToFloat(bias[p[2] + o + j / 2u + (j & 1u) * half_]);
		}
		STORE2(y, S3, at, left, v[0] * gelu(v[1]), v[2] * gelu(v[3]));
		return;
	}
	uint left = p[N] - n, at = p[5] + m * p[N] + n;
	if (S0 == 2u) {
		float alpha = uintBitsToFloat(p[22]);
		at = p[5] + z + m * p[14] + n;
		for (uint j = 0u; j < 4u; j++) v[j] *= alpha;
	} else {
		for (uint j = 0u; j < 4u && j < left; j++) v[j] = finish(m, n + j, v[j]);
	}
	STORE2(y, S3, at, left, v[0], v[1]);
	if (left > 2u) { STORE2(y, S3, at + 2u, left - 2u, v[2], v[3]); }
}

void main() {
	if (group() >= p[6]) return;
	uint tile = group(), zx = 0u, zw = 0u, zy = 0u;
	if (S0 == 2u) {
		uint each = p[TILES] * p[23], z = tile / each, b = z / p[15], h = z - b * p[15];
		tile -= z * each;
		zx = b * p[16] + h * p[17];
		zw = b * p[18] + h * p[19];
		zy = b * p[20] + h * p[21];
	}
	uint m0 = tile / p[TILES] * BM, n0 = tile % p[TILES] * BN;
	uint tx = thread() % (BN / 4u), ty = thread() / (BN / 4u);
	float total[16];
	for (uint i = 0u; i < 16u; i++) total[i] = 0.0f;
	for (uint k0 = 0u; k0 < p[K]; k0 += BK) {
		for (uint i = thread(); i < BM * BK; i += THREADS) as[i % BK * (BM + 1u) + i / BK] = elementX(m0 + i / BK, k0 + i % BK, zx);
		for (uint i = thread(); i < BN * BK; i += THREADS) bs[i % BK * (BN + 1u) + i / BK] = elementW(n0 + i / BK, k0 + i % BK, zw);
		barrier();
		// Each step is added up apart: one running sum would lose digits.
		float sum[16];
		for (uint i = 0u; i < 16u; i++) sum[i] = 0.0f;
		for (uint k = 0u; k < BK; k++) {
			float a[4], b[4];
			for (uint i = 0u; i < 4u; i++) a[i] = as[k * (BM + 1u) + ty * 4u + i];
			for (uint j = 0u; j < 4u; j++) b[j] = bs[k * (BN + 1u) + tx * 4u + j];
			for (uint i = 0u; i < 4u; i++)
				for (uint j = 0u; j < 4u; j++) sum[i * 4u + j] = fma(a[i], b[j], sum[i * 4u + j]);
		}
		for (uint i = 0u; i < 16u; i++) total[i] += sum[i];
		barrier();
	}
	ROLLED for (uint i = 0u; i < 4u; i++) {
		finishRow(m0 + ty * 4u + i, n0 + tx * 4u, zy, total[0], total[1], total[2], total[3]);
		for (uint k = 0u; k < 12u; k++) total[k] = total[k + 4u]; // registers have no index
	}
}
