package vec

var generic = passes{add: addGeneric, mul: mulGeneric, affine: affineGeneric}

func addGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func affineGeneric(dst, x []float32, scale, shift float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i]*scale + shift
	}
}
