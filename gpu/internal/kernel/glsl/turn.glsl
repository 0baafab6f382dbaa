// The cosine and sine of the angle of a pixel at frequency f, from a table of
// those of rows, then of columns.
vec2 turn(uint at, uint h, uint w, uint row, uint column, uint f) {
	vec2 a = vec2(1.0f, 0.0f), b = vec2(1.0f, 0.0f);
	if (f >= 2u) a = vec2(uintBitsToFloat(table[at + row]), uintBitsToFloat(table[at + h + row]));
	if (f % 2u == 1u) b = vec2(uintBitsToFloat(table[at + 2u * h + column]), uintBitsToFloat(table[at + 2u * h + w + column]));
	return vec2(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}
