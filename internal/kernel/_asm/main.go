// Command _asm writes the assembly of the kernels for amd64. Run it in its own
// folder, without arguments, or by go generate in the folder above.
package main

import (
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	for name, write := range map[string]func(*file){
		"gemm/tile_f32_avx512_amd64.s": avx512.tile,
		"gemm/tile_f32_avx2_amd64.s":   avx2.tile,
		"gemm/pack_avx512_amd64.s":     packAVX512,
		"gemm/pack_avx2_amd64.s":       packAVX2,
		"attn/softmax_avx512_amd64.s":  avx512.softmax,
		"attn/softmax_avx2_amd64.s":    avx2.softmax,
		"convert/convert_avx2_amd64.s": convertAVX2,
		"vec/vec_avx512_amd64.s":       avx512.elementwise,
		"vec/vec_avx2_amd64.s":         avx2.elementwise,
		"act/act_avx512_amd64.s":       avx512.activate,
		"act/act_avx2_amd64.s":         avx2.activate,
		"peak/peak_amd64.s":            peaks,
		"peak/peak_arm64.s":            peakNEON,
		"norm/norm_avx512_amd64.s":     avx512.normalise,
		"norm/norm_avx2_amd64.s":       avx2.normalise,
	} {
		var f file
		write(&f)
		if err := os.WriteFile(filepath.Join("..", filepath.FromSlash(name)), f.bytes(), 0o666); err != nil {
			log.Fatal(err)
		}
	}
}
