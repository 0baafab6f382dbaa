package cpu

import "github.com/klauspost/cpuid/v2"

// Known lists the levels that kernels are written for on this architecture.
func Known() []Level { return []Level{Generic, NEON} }

// detect returns NEON, which is a part of every arm64.
func detect() Level { return NEON }

func detectBF16() bool { return cpuid.CPU.Supports(cpuid.BF16) }
