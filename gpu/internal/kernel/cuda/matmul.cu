// Gemm by tensor cores, for rows or pixels of halves or floats and weights of halves: the
// contract, the constants and the parameters are those of gemm.comp, but a block makes a
// tile of BM x BN, and 8 channels are read at once, so C or K is a multiple of 8 and N of 2.
#include "common.glsl"
#include "tensor.cuh"
IN(0, x);
IN(1, w);
IN(2, bias);
IN(3, channel);
IN(4, residual);
OUT(5, y);

CONST uint M = 7u, N = 8u, K = 9u;
CONST int BK = 32; // of a stage; 4 chunks of 8 halves a row
CONST int ROWS = THREADS / 4;
CONST int ROWS_X = BM / ROWS, ROWS_W = (BN + ROWS - 1) / ROWS; // of a thread

#define KW (S7 & 255u)
#define STRIDE ((S7 >> 8) & 255u)
#define FACTOR ((S7 >> 16) & 255u)

// Floats may be greater than halves: they are divided by 16, and sums multiplied.
#define SCALE (S1 == 0u ? 16.0f : 1.0f)

// chunkAt returns where a chunk of a row lies in a tile: chunks of rows that are read
// together lie in different banks.
static uint chunkAt(uint row, uint chunk) { return row * 64u + ((chunk ^ ((row >> 1) & 3u)) << 4); }

unsigned long long base[ROWS_X]; // of the rows of x that the thread brings, in elements
int top[ROWS_X], left[ROWS_X];	 // of their windows
uint tap, k;					 // which the thread brings next: channel k of a tap

void start(uint m0) {
	UNROLL for (int i = 0; i < ROWS_X; i++) {
		uint m = m0 + thread() / 4u + uint(i * ROWS);
		if (S0 == 0u) {
			base[i] = (unsigned long long)m * p[K];
			top[i] = m < p[M] ? 0 : -1;
			left[i] = 0;
			continue;
		}
		uint OH = p[14], OW = p[15], b = m / (OH * OW), q = m - b * OH * OW, oy = q / OW;
		base[i] = (unsigned long long)b * p[12] * p[13] * p[11];
		top[i] = m < p[M] ? int(oy * STRIDE) - int(p[16]) : -1000000;
		left[i] = int((q - oy * OW) * STRIDE) - int(p[17]);
	}
	tap = 0u;
	k = thread() % 4u * 8u;
	skipTaps();
}

void skipTaps() {
	for (; S0 != 0u && k >= p[11] && tap * p[11] < p[K]; tap++) k -= p[11];
}

// bring starts to bring the next BK columns of the tiles to a stage.
void bring(uint stage, uint n0) {
	uint row0 = thread() / 4u, chunk = thread() % 4u, column = S0 == 0u ? k : tap * p[11] + k;
	uint dy = S0 == 0u ? 0u : tap / KW, dx = S0 == 0u ? 0u : tap - dy * KW;
	bool inside = column < p[K];
	UNROLL for (int i = 0; i < ROWS_X; i++) {
		unsigned long long at = base[i] + k;
		bool ok = inside && top[i] >= 0;
		if (S0 != 0u) {
			int iy = top[i] + int(dy), ix = left[i] + int(dx);
			ok = inside && iy >= 0 && ix >= 0 && iy < int(p[12] * FACTOR) && ix < int(p[13] * FACTOR);
			at += ((unsigned long long)(iy >> (FACTOR - 1u)) * p[13] + uint(ix >> (FACTOR - 1u))) * p[11];
		}
		fetch(stage + chunkAt(row0 + uint(i * ROWS), chunk), x, S1, p[0] + at, ok, 1.0f / 16.0f);
	}
	UNROLL for (int i = 0; i < ROWS_W; i++) {
		uint row = row0 + uint(i * ROWS), n = n0 + row;
		if (row >= BN) break;
		uint r = S5 != 0u ? (n >> 1) + (n & 1u) * (p[N] >> 1) : n; // both halves of a gated column side by side
		fetch(stage + BM * 64u + chunkAt(row, chunk), w, 1u, p[1] + (unsigned long long)r * p[K] + column, inside && n < p[N], 1.0f);
	}
	endGroup();
	k += BK;
	skipTaps();
}

// finish writes columns n and n + 1 of a row.
void finish(uint m, uint n, float a, float b) {
	a *= SCALE;
	b *= SCALE;
	if (S5 != 0u) {
		uint o = n >> 1, width = p[N] >> 1;
		if ((S6 & 1u) != 0u && n < p[N]) {
			a += uintBitsToFloat(bias[p[2] + o]);
			b += uintBitsToFloat(bias[p[2] + o + width]);
		}
		float v = a * fastGELU(b), next = __shfl_xor_sync(0xffffffffu, v, 1); // column o + 1 of even ones
		if (m >= p[M] || n >= p[N]) return;
		uint at = p[5] + m * width + o;
		if (S3 == 0u) { STORE(y, at, v); }
		else if (o % 2u == 0u) { y[at >> 1] = packHalf2x16(vec2(v, next)); }
		return;
	}
	if (m >= p[M] || n >= p[N]) return;
	uint at = m * p[N] + n;
	if ((S6 & 1u) != 0u) {
		a += uintBitsToFloat(bias[p[2] + n]);
		b += uintBitsToFloat(bias[p[2] + n + 1u]);
	}
	if ((S6 & 2u) != 0u) {
		uint c = p[3] + m / (p[14] * p[15]) * p[N] + n;
		a += uintBitsToFloat(channel[c]);
		b += uintBitsToFloat(channel[c + 1u]);
	}
	if ((S6 & 4u) != 0u) {
		a += LOAD(residual, S6 & 8u, p[4] + at);
		b += LOAD(residual, S6 & 8u, p[4] + at + 1u);
	}
	STORE2(y, S3, p[5] + at, 2u, fastActivate(S4, a), fastActivate(S4, b));
}

void main() {
	uint lane = thread() % 32u, warp = thread() / 32u, tiles = (p[N] + BN - 1u) / BN;
	uint m0 = group() / tiles * BM, n0 = group() % tiles * BN;
	uint wm = warp / (BN / WN) * WM, wn = warp % (BN / WN) * WN; // of the warp's part of the tile
	constexpr uint STAGE = (BM + BN) * 64u;
	uint memory = addressOf(sharedMemory()), steps = (p[K] + BK - 1u) / BK;
	float sum[WM / 16][WN / 8][4];
	UNROLL for (int i = 0; i < WM / 16; i++)
		UNROLL for (int j = 0; j < WN / 8; j++)
			UNROLL for (int e = 0; e < 4; e++) sum[i][j][e] = 0.0f;
	start(m0);
	UNROLL for (uint s = 0u; s < STAGES - 1u; s++) {
		if (s < steps) bring(memory + s * STAGE, n0);
		else endGroup();
	}
	uint reads = 0u, writes = STAGES - 1u;
	for (uint step = 0u; step < steps; step++) {
		waitFor<STAGES - 2>();
		barrier();
		if (step + STAGES - 1u < steps) bring(memory + writes * STAGE, n0);
		else endGroup();
		uint tileX = memory + reads * STAGE, tileW = tileX + BM * 64u;
		UNROLL for (uint half_ = 0u; half_ < 2u; half_++) {
			uint a[WM / 16][4];
			UNROLL for (int i = 0; i < WM / 16; i++) load4(a[i], tileX + chunkAt(wm + i * 16u + lane % 16u, half_ * 2u + lane / 16u));
			UNROLL for (int j = 0; j < WN / 16; j++) {
				uint b[4];
				load4(b, tileW + chunkAt(wn + j * 16u + lane % 8u + lane / 16u * 8u, half_ * 2u + lane / 8u % 2u));
				UNROLL for (int i = 0; i < WM / 16; i++) {
					multiply(sum[i][2 * j], a[i], b[0], b[1]);
					multiply(sum[i][2 * j + 1], a[i], b[2], b[3]);
				}
			}
		}
		reads = reads + 1u == STAGES ? 0u : reads + 1u;
		writes = writes + 1u == STAGES ? 0u : writes + 1u;
	}
	waitFor<0>();
	// Sums go by way of shared memory, 16 rows of a warp at a time: rows are written whole,
	// and what is done with them is there once.
	float *sums = reinterpret_cast<float *>(sharedMemory());
	constexpr uint WIDTH = BN + 8u; // so that rows lie in different banks
	UNROLL for (uint i = 0u; i < WM / 16u; i++) {
		barrier();
		UNROLL for (uint h = 0u; h < 2u; h++)
			UNROLL for (uint j = 0u; j < WN / 8u; j++)
				UNROLL for (uint e = 0u; e < 2u; e++)
					sums[(wm / (WM / 16u) + lane / 4u + 8u * h) * WIDTH + wn + j * 8u + lane % 4u * 2u + e] = sum[i][j][2u * h + e];
		barrier();
		ROLLED for (uint at = thread(); at < BM / (WM / 16u) * BN / 2u; at += THREADS) {
			uint row = at / (BN / 2u), column = at % (BN / 2u) * 2u;
			finish(m0 + row / 16u * WM + i * 16u + row % 16u, n0 + column, sums[row * WIDTH + column], sums[row * WIDTH + column + 1u]);
		}
	}
}
