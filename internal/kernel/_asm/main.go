// Command _asm writes the assembly of the kernels. Run it in its own
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
		"gemm/tile_f32_avx512_amd64.s":      avx512.tile("tileAVX512", mnemonic("VFMADD231PS")),
		"gemm/tile_f32_avx2_amd64.s":        avx2.tile("tileAVX2", mnemonic("VFMADD231PS")),
		"gemm/tile_bf16_avx512_amd64.s":     avx512.tile("tileBF16AVX512", dpbf16),
		"gemm/pack_bf16_avx512_amd64.s":     packPairs,
		"gemm/tile_i8_avx512_amd64.s":       avx512.tileI8,
		"gemm/tile_i8_avx2_amd64.s":         avx2.tileI8,
		"gemm/i8_avx2_amd64.s":              avx2.quantise,
		"gemm/pack_i8_avx512_amd64.s":       packQuads,
		"gemm/tile_neon_arm64.s":            neonTiles,
		"gemm/pack_neon_arm64.s":            neonPack,
		"attn/softmax_neon_arm64.s":         neonSoftmax,
		"convert/convert_neon_arm64.s":      neonConvert,
		"vec/vec_neon_arm64.s":              neonElementwise,
		"act/act_neon_arm64.s":              neonActivations,
		"norm/norm_neon_arm64.s":            neonNormalise,
		"winograd/transform_neon_arm64.s":   neonWinograd,
		"gemm/i8_avx512_amd64.s":            avx512.quantise,
		"gemm/rows_bf16_avx512_amd64.s":     convertRows,
		"gemm/direct_avx512_amd64.s":        directAVX512,
		"gemm/pack_avx512_amd64.s":          packAVX512,
		"gemm/pack_avx2_amd64.s":            packAVX2,
		"attn/softmax_avx512_amd64.s":       avx512.softmax,
		"attn/softmax_avx2_amd64.s":         avx2.softmax,
		"attn/pairs_avx512_amd64.s":         pairsAVX512,
		"convert/convert_avx2_amd64.s":      convertAVX2,
		"convert/quantised_avx512_amd64.s":  avx512.quantised,
		"convert/quantised_avx2_amd64.s":    avx2.quantised,
		"dot/dot_avx512_amd64.s":            avx512.dots,
		"dot/dot_avx2_amd64.s":              avx2.dots,
		"vec/vec_avx512_amd64.s":            avx512.elementwise,
		"vec/vec_avx2_amd64.s":              avx2.elementwise,
		"act/act_avx512_amd64.s":            avx512.activate,
		"act/act_avx2_amd64.s":              avx2.activate,
		"peak/peak_amd64.s":                 peaks,
		"peak/peak_arm64.s":                 peakNEON,
		"norm/norm_avx512_amd64.s":          avx512.normalise,
		"norm/norm_avx2_amd64.s":            avx2.normalise,
		"winograd/transform_avx512_amd64.s": avx512.winograd,
		"winograd/transform_avx2_amd64.s":   avx2.winograd,

		"winograd/transform_bf16_avx512_amd64.s": winogradBF16,
	} {
		var f file
		write(&f)
		if err := os.WriteFile(filepath.Join("..", filepath.FromSlash(name)), f.bytes(), 0o666); err != nil {
			log.Fatal(err)
		}
	}
}
