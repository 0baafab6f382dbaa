// Package dot holds products of one vector with many, for search.
package dot

// products are the loops for one instruction set: of a query with n rows that
// lie one after the other.
type products struct {
	f32 func(dst, query, rows []float32)
	i8  func(dst []float32, query, rows []int8)
}

// F32 sets dst[i] to the product of the query with row i of rows.
func F32(dst, query, rows []float32) {
	rows = rows[:len(dst)*len(query)]
	if len(query) == 0 {
		clear(dst)
		return
	}
	if len(dst) > 0 {
		current().f32(dst, query, rows)
	}
}

// longest is how many products of 8-bit numbers fit in 32 bits.
const longest = 1 << 16

// I8 sets dst[i] to the product of the query with row i of rows, exact before it
// is rounded. Numbers are -127 to 127.
func I8(dst []float32, query, rows []int8) {
	rows = rows[:len(dst)*len(query)]
	if len(query) > longest {
		panic("dot: a vector of more than 65536 numbers")
	}
	if len(query) == 0 {
		clear(dst)
		return
	}
	if len(dst) > 0 {
		current().i8(dst, query, rows)
	}
}
