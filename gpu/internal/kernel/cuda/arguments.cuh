// What a kernel is launched with, and what GLSL has that CUDA C lacks.
typedef unsigned int uint;

struct vec2 {
	float x, y;
	vec2() {}
	explicit vec2(float v) : x(v), y(v) {}
	vec2(float x, float y) : x(x), y(y) {}
	vec2 &operator+=(const vec2 &v) { x += v.x; y += v.y; return *this; }
};
inline vec2 operator*(float a, const vec2 &v) { return vec2(a * v.x, a * v.y); }

struct Arguments {
	uint *bindings[6];
	uint parameters[32];
};
