package adapt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// TestInversionsOfTorch reads textual inversions that programs wrote with torch.save.
func TestInversionsOfTorch(t *testing.T) {
	want := golden.Tensors(t, golden.Path("inversions", "vectors.safetensors"))
	require.Len(t, want, 6)
	for name, token := range map[string]string{"web.pt": "<web>", "parameter.pt": "<parameter>", "dict.pt": "<dict>", "both.pt": "<both>", "learned_embeds.bin": "<made>"} {
		t.Run(name, func(t *testing.T) {
			e, err := adapt.OpenEmbedding(golden.Path("inversions", name), 16, 24)
			require.NoError(t, err)
			require.Equal(t, token, e.Token)
			for part, got := range map[string]*tensor.Tensor{"clip_l": e.L, "clip_g": e.G} {
				vectors := want[name+"."+part]
				if vectors == nil {
					require.Nil(t, got, part)
					continue
				}
				require.Equal(t, vectors.Shape(), got.Shape(), part)
				require.Equal(t, vectors.Float32s(), got.Float32s(), part)
			}
		})
	}
	_, err := adapt.OpenEmbedding(golden.Path("inversions", "web.pt"), 16, 32)
	require.ErrorContains(t, err, "has shape [3 24]; the text encoders take vectors of 16 (clip_l) and 32 (clip_g)")
	require.True(t, strings.HasPrefix(err.Error(), golden.Path("inversions", "web.pt")))
}
