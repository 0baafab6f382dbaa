// What all kernels share, as CUDA C: ../glsl/common.glsl in another language. A kernel is
// the body of a struct (see nvrtc.py), so that its functions see its operands.
#define p arguments.parameters

// Constants of a variant are written into the text of the PTX when it is loaded, and the
// driver's compiler drops what they rule out.
#define SPEC(n) static uint spec##n() { uint v; asm("mov.u32 %0, SPEC_" #n ";" : "=r"(v)); return v; }
SPEC(0) SPEC(1) SPEC(2) SPEC(3) SPEC(4) SPEC(5) SPEC(6) SPEC(7)
#define S0 spec0()
#define S1 spec1()
#define S2 spec2()
#define S3 spec3()
#define S4 spec4()
#define S5 spec5()
#define S6 spec6()
#define S7 spec7()

#define CONST static constexpr
#define SHARED(type, name, n) static type *name##Memory() { __shared__ type memory[n]; return memory; } type *const name = name##Memory()
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")

#define IN(slot, name) const uint *const name = arguments.bindings[slot]
// A result may lie where an operand does, so nothing is __restrict__.
#define OUT(slot, name) uint *const name = arguments.bindings[slot]

CONST uint THREADS = THREADS_OF_BLOCK;

static uint group() { return blockIdx.x; }
static uint thread() { return threadIdx.x; }
static void barrier() { __syncthreads(); }

static float uintBitsToFloat(uint v) { return __uint_as_float(v); }
static uint floatBitsToUint(float v) { return __float_as_uint(v); }
static float roundEven(float v) { return rintf(v); }
static float clamp(float v, float low, float high) { return fminf(fmaxf(v, low), high); }

static vec2 unpackHalf2x16(uint v) {
	vec2 r;
	asm("{ .reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high; }" : "=f"(r.x), "=f"(r.y) : "r"(v));
	return r;
}

static uint packHalf2x16(vec2 v) {
	uint r;
	asm("{ .reg .b16 low, high; cvt.rn.f16.f32 low, %1; cvt.rn.f16.f32 high, %2; mov.b32 %0, {low, high}; }" : "=r"(r) : "f"(v.x), "f"(v.y));
	return r;
}

#include "portable.glsl"
