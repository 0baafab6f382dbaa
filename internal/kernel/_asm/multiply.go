package main

import "fmt"

// multiplyAdd writes an instruction that adds products of x and y to acc.
type multiplyAdd func(f *file, x, y, acc string)

func mnemonic(name string) multiplyAdd {
	return func(f *file, x, y, acc string) { f.op("%s %s, %s, %s", name, x, y, acc) }
}

// dpbf16 writes VDPBF16PS: EVEX.512.F3.0F38.W0 52 /r.
func dpbf16(f *file, x, y, acc string) { evex(f, "VDPBF16PS", 2, 0x52, x, y, acc) }

// narrowPair writes VCVTNE2PS2BF16, which rounds low and high to the halves of
// dst: EVEX.512.F2.0F38.W0 72 /r.
func narrowPair(f *file, low, high, dst string) { evex(f, "VCVTNE2PS2BF16", 3, 0x72, low, high, dst) }

// evex writes the bytes of an instruction of registers that Go's assembler
// lacks, in map 0F38; prefix is the number of the mandatory prefix.
func evex(f *file, name string, prefix, opcode byte, x, y, dst string) {
	rm, v, r := number(x), number(y), number(dst)
	bit := func(n byte, i int) byte { return ^n >> i & 1 } // EVEX holds complements
	f.op("BYTE $0x62; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x%02x // %s %s, %s, %s",
		bit(r, 3)<<7|bit(rm, 4)<<6|bit(rm, 3)<<5|bit(r, 4)<<4|2, (^v&15)<<3|4|prefix, 0x40|bit(v, 4)<<3,
		opcode, 0xC0|r&7<<3|rm&7, name, x, y, dst)
}

func number(register string) (n byte) {
	if _, err := fmt.Sscanf(register[1:], "%d", &n); err != nil {
		panic(err)
	}
	return n
}
