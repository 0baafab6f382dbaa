// Sums and maxima over a work group, in an order that does not change.
SHARED(float, partial, THREADS);

float sumOfGroup(float v) {
	barrier();
	partial[thread()] = v;
	for (uint half_ = THREADS / 2u; half_ > 0u; half_ /= 2u) {
		barrier();
		if (thread() < half_) partial[thread()] += partial[thread() + half_];
	}
	barrier();
	return partial[0];
}

float maxOfGroup(float v) {
	barrier();
	partial[thread()] = v;
	for (uint half_ = THREADS / 2u; half_ > 0u; half_ /= 2u) {
		barrier();
		if (thread() < half_) partial[thread()] = max(partial[thread()], partial[thread() + half_]);
	}
	barrier();
	return partial[0];
}
