package cpu

import "github.com/klauspost/cpuid/v2"

// Known lists the levels that kernels are written for on this architecture.
func Known() []Level { return []Level{Generic, AVX2, AVX512} }

func detect() Level {
	switch {
	case !cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C):
		return Generic
	case !cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL):
		return AVX2
	}
	return AVX512
}

func detectBF16() bool { return cpuid.CPU.Supports(cpuid.AVX512BF16) }
