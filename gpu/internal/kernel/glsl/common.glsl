// What all kernels share. Memory is 32-bit words; halves lie in pairs, so that no
// device needs 16-bit storage. Offsets of operands, the number of groups, and
// then a kernel's own parameters are push constants: see the Go contract of each.
layout(local_size_x = 128) in;
layout(push_constant) uniform Push { uint p[32]; };
layout(constant_id = 0) const uint S0 = 0;
layout(constant_id = 1) const uint S1 = 0;
layout(constant_id = 2) const uint S2 = 0;
layout(constant_id = 3) const uint S3 = 0;
layout(constant_id = 4) const uint S4 = 0;
layout(constant_id = 5) const uint S5 = 0;
layout(constant_id = 6) const uint S6 = 0;
layout(constant_id = 7) const uint S7 = 0;

const uint THREADS = 128u;

#define IN(slot, name) layout(binding = slot) readonly buffer In##slot { uint name[]; }
// A result may lie where an operand does, so nothing is restrict.
#define OUT(slot, name) layout(binding = slot) buffer Out##slot { uint name[]; }

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

// Work groups are counted along x and then y, since an axis has 65535 at most.
uint group() { return gl_WorkGroupID.x + 65535u * gl_WorkGroupID.y; }
uint thread() { return gl_LocalInvocationID.x; }

// e^x to 1 unit in the last place or two: drivers' own may be worse.
float exact_exp(float x) {
	x = clamp(x, -103.0, 88.7);
	float n = roundEven(x * 1.44269504);
	float r = fma(n, -0.693359375, x);
	r = fma(n, 2.12194440e-4, r);
	float q = fma(fma(fma(fma(fma(1.9875691500e-4, r, 1.3981999507e-3), r, 8.3334519073e-3), r, 4.1665795894e-2), r, 1.6666665459e-1), r, 0.5);
	float e = fma(q * r, r, r) + 1.0;
	int k = int(n);
	int first = k / 2; // two factors, for results below the least normal number
	return e * uintBitsToFloat(uint(first + 127) << 23) * uintBitsToFloat(uint(k - first + 127) << 23);
}

// erfc(x) for x >= 0 with a relative error of 1.2e-7 (Numerical Recipes, erfcc).
float exact_erfc(float x) {
	float t = 1.0 / fma(0.5, x, 1.0);
	float q = fma(t, 0.17087277, -0.82215223);
	q = fma(t, q, 1.48851587);
	q = fma(t, q, -1.13520398);
	q = fma(t, q, 0.27886807);
	q = fma(t, q, -0.18628806);
	q = fma(t, q, 0.09678418);
	q = fma(t, q, 0.37409196);
	q = fma(t, q, 1.00002368);
	q = fma(t, q, -1.26551223);
	return t * exact_exp(fma(-x, x, q));
}

float gelu(float x) {
	float e = exact_erfc(abs(x) * 0.70710678);
	return 0.5 * x * (x < 0.0 ? e : 2.0 - e);
}

// The activations of package nn.
float activate(uint a, float x) {
	if (a == 1u) return x / (1.0 + exact_exp(-x));
	if (a == 2u) return gelu(x);
	if (a == 3u) return x / (1.0 + exact_exp(-1.702 * x));
	if (a == 4u) return x / (1.0 + exact_exp(-1.5957691 * fma(0.044715 * x * x, x, x)));
	return x;
}
