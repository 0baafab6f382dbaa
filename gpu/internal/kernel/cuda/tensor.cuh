// Tensor cores, and how tiles of halves get into shared memory for them. Cards before
// Ampere have neither copies beside the computation nor products of depth 16.

static void *sharedMemory() {
	extern __shared__ __align__(128) unsigned char memory[];
	return memory;
}

static uint addressOf(void *shared) { return uint(__cvta_generic_to_shared(shared)); }

static void store16(uint to, uint4 v) {
	asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w) : "memory");
}

// fetch brings 8 elements from i on, times a factor if they are floats, to shared memory as
// halves; zeros unless ok. They are there after a wait for their group and a barrier.
static void fetch(uint to, const uint *from, uint half_, unsigned long long i, bool ok, float factor) {
	if (half_ == 0u) {
		uint4 v = make_uint4(0u, 0u, 0u, 0u);
		if (ok) {
			const float4 *f = reinterpret_cast<const float4 *>(from + i);
			float4 a = f[0], b = f[1];
			v.x = packHalf2x16(vec2(a.x * factor, a.y * factor));
			v.y = packHalf2x16(vec2(a.z * factor, a.w * factor));
			v.z = packHalf2x16(vec2(b.x * factor, b.y * factor));
			v.w = packHalf2x16(vec2(b.z * factor, b.w * factor));
		}
		store16(to, v);
		return;
	}
	const uint *at = from + (ok ? i / 2ull : 0ull);
#if __CUDA_ARCH__ >= 800
	int bytes = ok ? 16 : 0;
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(at), "r"(bytes) : "memory");
#else
	store16(to, ok ? *reinterpret_cast<const uint4 *>(at) : make_uint4(0u, 0u, 0u, 0u));
#endif
}

// endGroup ends a group of fetches; waitFor waits until at most n groups are under way.
static void endGroup() {
#if __CUDA_ARCH__ >= 800
	asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int n> static void waitFor() {
#if __CUDA_ARCH__ >= 800
	asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

// load4 reads four matrices of 8 x 8 halves, whose rows lie at the addresses of 8 lanes each.
static void load4(uint *r, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

static void load4Transposed(uint *r, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at) : "memory");
}

// multiply adds the product of 16 x 16 and 16 x 8 halves to d.
static void multiply(float *d, const uint *a, uint b0, uint b1) {
#if __CUDA_ARCH__ >= 800
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b0));
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

// 2^x, e^x and 1 / x to about 1e-6 of them, as the activations of halves need them.
static float powerOf2(float x) {
	float r;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
	return r;
}

static float fastExp(float x) { return powerOf2(x * 1.44269504f); }

static float fastReciprocal(float x) {
	float r;
	asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
	return r;
}

// erf by Abramowitz and Stegun 7.1.26, to 1.5e-7.
static float fastGELU(float x) {
	float z = fabsf(x) * 0.70710678f, t = fastReciprocal(fma(0.3275911f, z, 1.0f));
	float q = t * fma(t, fma(t, fma(t, fma(t, 1.061405429f, -1.453152027f), 1.421413741f), -0.284496736f), 0.254829592f);
	float half_ = 0.5f * q * fastExp(-z * z);
	return x * (x < 0.0f ? half_ : 1.0f - half_);
}

static float fastActivate(uint a, float x) {
	if (a == 0u) return x;
	if (a == 2u) return fastGELU(x);
	float u = a == 1u ? x : a == 3u ? 1.702f * x : 1.5957691f * fma(0.044715f * x * x, x, x);
	return x * fastReciprocal(1.0f + fastExp(-u));
}
