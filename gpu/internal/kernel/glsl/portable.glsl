// What all kernels share, in what GLSL and CUDA C have in common.

float halfOf(uint word, uint i) {
	vec2 v = unpackHalf2x16(word);
	return (i & 1u) == 0u ? v.x : v.y;
}

// LOAD reads an element, STORE2 writes elements i and i + 1 below n; i is even in memory
// where they are halves.
#define LOAD(name, half, i) ((half) == 0u ? uintBitsToFloat(name[(i)]) : halfOf(name[(i) >> 1], (i)))
#define STORE(name, i, v) name[(i)] = floatBitsToUint(v)
#define STORE2(name, half, i, n, a, b) \
	if ((half) != 0u) { name[(i) >> 1] = packHalf2x16(vec2(a, b)); } \
	else { STORE(name, i, a); if ((n) > 1u) STORE(name, (i) + 1u, b); }

// e^x to 1 unit in the last place or two: drivers' own may be worse.
float exact_exp(float x) {
	x = clamp(x, -103.0f, 88.7f);
	float n = roundEven(x * 1.44269504f);
	float r = fma(n, -0.693359375f, x);
	r = fma(n, 2.12194440e-4f, r);
	float q = fma(fma(fma(fma(fma(1.9875691500e-4f, r, 1.3981999507e-3f), r, 8.3334519073e-3f), r, 4.1665795894e-2f), r, 1.6666665459e-1f), r, 0.5f);
	float e = fma(q * r, r, r) + 1.0f;
	int k = int(n);
	int first = k / 2; // two factors, for results below the least normal number
	return e * uintBitsToFloat(uint(first + 127) << 23) * uintBitsToFloat(uint(k - first + 127) << 23);
}

// erfc(x) for x >= 0 with a relative error of 1.2e-7 (Numerical Recipes, erfcc).
float exact_erfc(float x) {
	float t = 1.0f / fma(0.5f, x, 1.0f);
	float q = fma(t, 0.17087277f, -0.82215223f);
	q = fma(t, q, 1.48851587f);
	q = fma(t, q, -1.13520398f);
	q = fma(t, q, 0.27886807f);
	q = fma(t, q, -0.18628806f);
	q = fma(t, q, 0.09678418f);
	q = fma(t, q, 0.37409196f);
	q = fma(t, q, 1.00002368f);
	q = fma(t, q, -1.26551223f);
	return t * exact_exp(fma(-x, x, q));
}

float gelu(float x) {
	float e = exact_erfc(abs(x) * 0.70710678f);
	return 0.5f * x * (x < 0.0f ? e : 2.0f - e);
}

// The activations of package nn.
float activate(uint a, float x) {
	if (a == 1u) return x / (1.0f + exact_exp(-x));
	if (a == 2u) return gelu(x);
	if (a == 3u) return x / (1.0f + exact_exp(-1.702f * x));
	if (a == 4u) return x / (1.0f + exact_exp(-1.5957691f * fma(0.044715f * x * x, x, x)));
	return x;
}
