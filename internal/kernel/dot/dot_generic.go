package dot

var generic = products{f32Generic, i8Generic}

func f32Generic(dst, query, rows []float32) {
	for i := range dst {
		row := rows[i*len(query):][:len(query)]
		var sums [4]float32 // so that additions need not wait for each other
		j := 0
		for ; j+4 <= len(row); j += 4 {
			sums[0] += query[j] * row[j]
			sums[1] += query[j+1] * row[j+1]
			sums[2] += query[j+2] * row[j+2]
			sums[3] += query[j+3] * row[j+3]
		}
		for ; j < len(row); j++ {
			sums[0] += query[j] * row[j]
		}
		dst[i] = sums[0] + sums[1] + (sums[2] + sums[3])
	}
}

func i8Generic(dst []float32, query, rows []int8) {
	for i := range dst {
		var sum int32
		for j, v := range rows[i*len(query):][:len(query)] {
			sum += int32(query[j]) * int32(v)
		}
		dst[i] = float32(sum)
	}
}
