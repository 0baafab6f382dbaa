package main

import "fmt"

// The constants of the exponential function: exp(x) = 2^n exp(r), where r is
// within ln(2)/2 of 0 and its exponential a polynomial. The method and the
// coefficients are those of expf in Moshier's Cephes Mathematical Library.
var expWords = []float32{
	1.44269504088896341,         // log2(e)
	0.693359375, -2.12194440e-4, // ln(2) in two parts
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
	1,
}

const (
	expLog2e = iota
	expLn2Hi
	expLn2Lo
	expPoly
	expOne    = expPoly + 6
	expLowest = expOne + 1 // the least argument; below it the result is 0
)

// exp writes the exponential of a vector, whose elements must not be positive.
type exp struct {
	*file
	instructions
}

// data declares what the functions of a file share.
func (e exp) data() {
	if e.reg == "Z" {
		e.words("expWords", floatBits(append(expWords, -104))) // rounds to 0
		return
	}
	e.words("expWords", floatBits(append(expWords, -87.33654))) // the least normal number
	e.words("exponentBias", []uint32{127})
}

// constant is the register of a constant, if it has one.
func (e exp) constant(i int) string {
	if e.reg == "Z" {
		return fmt.Sprint("Z", 16+i)
	}
	return map[int]string{expLowest: "Y12", expOne: "Y11", expLog2e: "Y10", expLn2Hi: "Y9", expLn2Lo: "Y8"}[i]
}

// setup loads the constants: Z16 to Z26, or Y7 to Y12.
func (e exp) setup() {
	if e.reg == "Z" {
		for i := range expLowest + 1 {
			e.op("VBROADCASTSS expWords<>+%d(SB), %s", 4*i, e.constant(i))
		}
		return
	}
	for _, i := range []int{expLowest, expOne, expLog2e, expLn2Hi, expLn2Lo} {
		e.op("VBROADCASTSS expWords<>+%d(SB), %s", 4*i, e.constant(i))
	}
	e.op("VPBROADCASTD exponentBias<>(SB), Y7")
}

// replace turns register 0 into its exponential. It uses registers 1 to 4 and 6.
func (e exp) replace() {
	if e.reg == "Z" {
		e.replaceAVX512()
	} else {
		e.replaceAVX2()
	}
}

func (e exp) replaceAVX512() {
	e.op("VMAXPS Z0, %s, Z0", e.constant(expLowest)) // this order keeps a NaN
	e.op("VMULPS %s, Z0, Z1", e.constant(expLog2e))
	e.op("VRNDSCALEPS $8, Z1, Z1") // to nearest even
	e.op("VFNMADD231PS %s, Z1, Z0", e.constant(expLn2Hi))
	e.op("VFNMADD231PS %s, Z1, Z0", e.constant(expLn2Lo))
	e.op("VMULPS Z0, Z0, Z3")
	e.op("VMOVAPS %s, Z2", e.constant(expPoly))
	for i := 1; i < 6; i++ {
		e.op("VFMADD213PS %s, Z0, Z2", e.constant(expPoly+i))
	}
	e.op("VFMADD213PS Z0, Z3, Z2")
	e.op("VADDPS %s, Z2, Z2", e.constant(expOne))
	e.op("VSCALEFPS Z1, Z2, Z0")
}

func (e exp) replaceAVX2() {
	e.op("VCMPPS $1, %s, Y0, Y6", e.constant(expLowest)) // less than
	e.op("VMAXPS Y0, %s, Y0", e.constant(expLowest))     // this order keeps a NaN
	e.op("VMULPS %s, Y0, Y1", e.constant(expLog2e))
	e.op("VROUNDPS $8, Y1, Y1") // to nearest even
	e.op("VFNMADD231PS %s, Y1, Y0", e.constant(expLn2Hi))
	e.op("VFNMADD231PS %s, Y1, Y0", e.constant(expLn2Lo))
	e.op("VMULPS Y0, Y0, Y3")
	e.op("VBROADCASTSS expWords<>+%d(SB), Y2", 4*expPoly)
	for i := 1; i < 6; i++ {
		e.op("VBROADCASTSS expWords<>+%d(SB), Y4", 4*(expPoly+i))
		e.op("VFMADD213PS Y4, Y0, Y2")
	}
	e.op("VFMADD213PS Y0, Y3, Y2")
	e.op("VADDPS %s, Y2, Y2", e.constant(expOne))
	e.op("VCVTPS2DQ Y1, Y1")
	e.op("VPADDD Y7, Y1, Y1")
	e.op("VPSLLD $23, Y1, Y1")
	e.op("VMULPS Y1, Y2, Y0")
	e.op("VANDNPS Y0, Y6, Y0")
}
