// What all kernels share, as GLSL; ../cuda/common.glsl is the same for CUDA. Memory is
// 32-bit words; halves lie in pairs, so that no device needs 16-bit storage. Offsets of operands, the number of groups, and
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

// At the level of a file: constants, and memory that a work group shares.
#define CONST const
#define SHARED(type, name, n) shared type name[n]
#define ROLLED

#define IN(slot, name) layout(binding = slot) readonly buffer In##slot { uint name[]; }
// A result may lie where an operand does, so nothing is restrict.
#define OUT(slot, name) layout(binding = slot) buffer Out##slot { uint name[]; }

// Work groups are counted along x and then y, since an axis has 65535 at most.
uint group() { return gl_WorkGroupID.x + 65535u * gl_WorkGroupID.y; }
uint thread() { return gl_LocalInvocationID.x; }

#include "portable.glsl"
