// Attention by tensor cores, for heads of up to 64 channels: scores stay in registers, and
// the softmax is made as they come (Milakov and Gimelshein 2018; Dao et al. 2022). A block
// makes 64 queries of a head, 16 a warp, from 64 keys at a time.
//
// Constants: format of q, of k, of v, of y, whether query q sees only keys 0 to q.
// Parameters: queries, keys, width of a head, of a row, the first query, scale.
#include "common.glsl"
#include "tensor.cuh"
IN(0, q);
IN(1, k);
IN(2, v);
OUT(3, y);

CONST uint QUERIES = 5u, KEYS = 6u, HEAD = 7u, ROW = 8u, FIRST = 9u, SCALE = 10u;
CONST uint SIZE = 64u; // of a tile: rows, and halves of a row
CONST uint TILE = SIZE * SIZE * 2u;

static uint chunkAt(uint row, uint chunk) { return row * 128u + ((chunk ^ (row & 7u)) << 4); }

// bring starts to bring rows of a head to a tile.
void bring(uint tile, const uint *from, uint half_, uint offset, uint row0, uint rows, uint head) {
	UNROLL for (uint i = 0u; i < SIZE * 8u / THREADS; i++) {
		uint row = (thread() + i * THREADS) / 8u, chunk = thread() % 8u;
		bool ok = row0 + row < rows && chunk * 8u < p[HEAD];
		fetch(tile + chunkAt(row, chunk), from, half_, offset + (unsigned long long)(row0 + row) * p[ROW] + head * p[HEAD] + chunk * 8u, ok, 1.0f);
	}
}

void bringKeys(uint tiles, uint key0, uint head) {
	bring(tiles, k, S1, p[1], key0, p[KEYS], head);
	bring(tiles + TILE, v, S2, p[2], key0, p[KEYS], head);
	endGroup();
}

void main() {
	uint lane = thread() % 32u, warp = thread() / 32u, blocks = (p[QUERIES] + SIZE - 1u) / SIZE;
	uint head = group() / blocks, query0 = group() % blocks * SIZE, memory = addressOf(sharedMemory());
	uint keys = p[KEYS];
	if (S4 != 0u) keys = min(keys, p[FIRST] + min(query0 + SIZE, p[QUERIES])); // later ones are not seen
	bring(memory, q, S0, p[0], query0, p[QUERIES], head);
	bringKeys(memory + TILE, 0u, head);
	uint a[4][4];
	float out[8][4], most[2] = {-1e30f, -1e30f}, total[2] = {0.0f, 0.0f};
	UNROLL for (int i = 0; i < 8; i++)
		UNROLL for (int e = 0; e < 4; e++) out[i][e] = 0.0f;
	float scale = uintBitsToFloat(p[SCALE]) * 1.44269504f; // powers of 2 are made
	uint row = query0 + warp * 16u + lane / 4u, stage = 0u;
	for (uint key0 = 0u; key0 < keys; key0 += SIZE) {
		waitFor<0>();
		barrier();
		uint tileK = memory + TILE + stage * 2u * TILE, tileV = tileK + TILE;
		stage ^= 1u;
		if (key0 + SIZE < keys) bringKeys(memory + TILE + stage * 2u * TILE, key0 + SIZE, head);
		if (key0 == 0u) {
			UNROLL for (uint c = 0u; c < 4u; c++) load4(a[c], memory + chunkAt(warp * 16u + lane % 16u, c * 2u + lane / 16u));
		}
		float s[8][4];
		UNROLL for (int j = 0; j < 8; j++)
			UNROLL for (int e = 0; e < 4; e++) s[j][e] = 0.0f;
		UNROLL for (uint c = 0u; c < 4u; c++)
			UNROLL for (uint j = 0u; j < 4u; j++) {
				uint b[4];
				load4(b, tileK + chunkAt(j * 16u + lane % 8u + lane / 16u * 8u, c * 2u + lane / 8u % 2u));
				multiply(s[2u * j], a[c], b[0], b[1]);
				multiply(s[2u * j + 1u], a[c], b[2], b[3]);
			}
		float now[2] = {most[0], most[1]};
		UNROLL for (uint j = 0u; j < 8u; j++)
			UNROLL for (uint e = 0u; e < 4u; e++) {
				uint key = key0 + j * 8u + lane % 4u * 2u + e % 2u;
				s[j][e] *= scale;
				if (key >= keys || S4 != 0u && key > p[FIRST] + row + e / 2u * 8u) s[j][e] = -1e30f;
				now[e / 2u] = fmaxf(now[e / 2u], s[j][e]);
			}
		UNROLL for (uint r = 0u; r < 2u; r++) { // the four lanes of a row
			now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 1));
			now[r] = fmaxf(now[r], __shfl_xor_sync(0xffffffffu, now[r], 2));
			float less = powerOf2(most[r] - now[r]);
			most[r] = now[r];
			total[r] *= less;
			UNROLL for (int i = 0; i < 8; i++) {
				out[i][2u * r] *= less;
				out[i][2u * r + 1u] *= less;
			}
		}
		UNROLL for (uint j = 0u; j < 8u; j++)
			UNROLL for (uint e = 0u; e < 4u; e++) {
				s[j][e] = powerOf2(s[j][e] - most[e / 2u]);
				total[e / 2u] += s[j][e];
			}
		UNROLL for (uint c = 0u; c < 4u; c++) {
			uint w[4];
			UNROLL for (uint i = 0u; i < 4u; i++) w[i] = packHalf2x16(vec2(s[2u * c + i / 2u][i % 2u * 2u], s[2u * c + i / 2u][i % 2u * 2u + 1u]));
			UNROLL for (uint j = 0u; j < 4u; j++) {
				uint b[4];
				load4Transposed(b, tileV + chunkAt(c * 16u + lane % 16u, j * 2u + lane / 16u));
				multiply(out[2u * j], w, b[0], b[1]);
				multiply(out[2u * j + 1u], w, b[2], b[3]);
			}
		}
	}
	UNROLL for (uint r = 0u; r < 2u; r++) {
		total[r] += __shfl_xor_sync(0xffffffffu, total[r], 1);
		total[r] += __shfl_xor_sync(0xffffffffu, total[r], 2);
		float factor = 1.0f / total[r];
		if (row + 8u * r >= p[QUERIES]) continue;
		uint at = p[3] + (row + 8u * r) * p[ROW] + head * p[HEAD];
		UNROLL for (uint i = 0u; i < 8u; i++) {
			uint c = i * 8u + lane % 4u * 2u;
			if (c < p[HEAD]) { STORE2(y, S3, at + c, 2u, out[i][2u * r] * factor, out[i][2u * r + 1u] * factor); }
		}
	}
}
