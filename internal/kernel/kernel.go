// Package kernel is the root of the arithmetic on the processor; the packages
// below it hold one family of kernels each. Every kernel has a plain Go form,
// which its assembly is tested against.
package kernel

//go:generate go -C _asm run .
