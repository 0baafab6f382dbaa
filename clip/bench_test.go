package clip_test

import (
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/nn"
)

// benchModel names a folder to measure, such as easel mkmodel writes.
const benchModel = "EASEL_CLIP"

// BenchmarkTowers measures texts and pictures a second of the model that the
// variable names.
func BenchmarkTowers(b *testing.B) {
	path := os.Getenv(benchModel)
	if path == "" {
		b.Skip(benchModel + " names no folder")
	}
	r := rand.New(rand.NewPCG(1, 2))
	picture := image.NewNRGBA(image.Rect(0, 0, 256, 256))
	for i := range picture.Pix {
		picture.Pix[i] = uint8(r.Uint32())
	}
	for _, p := range []nn.Precision{nn.F32, nn.BF16, nn.Int8} {
		m, err := clip.Open(path, clip.Options{Precision: p})
		require.NoError(b, err)
		for _, batch := range []int{1, 8, 64} {
			for _, tokens := range []int{8, 20, 77} {
				texts := make([]string, batch)
				for i := range texts {
					texts[i] = strings.Repeat("cat ", tokens-2)
				}
				b.Run(fmt.Sprintf("%s/texts=%dx%d", p, batch, tokens), func(b *testing.B) {
					for b.Loop() {
						_, err := m.EmbedTexts(b.Context(), texts)
						require.NoError(b, err)
					}
					b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "texts/s")
				})
			}
			images := make([]image.Image, batch)
			for i := range images {
				images[i] = picture
			}
			b.Run(fmt.Sprintf("%s/pictures=%d", p, batch), func(b *testing.B) {
				for b.Loop() {
					_, err := m.EmbedImages(b.Context(), images)
					require.NoError(b, err)
				}
				b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "pictures/s")
			})
		}
		require.NoError(b, m.Close())
	}
}
