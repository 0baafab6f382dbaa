package imagefile

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzTexts(f *testing.F) {
	texts := []Text{{"easel", "{}"}, {ParametersKey, "a\nSteps: 3"}}
	var b bytes.Buffer
	require.NoError(f, EncodePNG(&b, spot(), texts))
	f.Add(b.Bytes())
	exif := EncodeEXIF(texts)
	head := append([]byte{0xff, markerSOI, 0xff, markerAPP1, 0, byte(len(EXIFPrefix) + len(exif) + 2)}, EXIFPrefix...)
	f.Add(append(head, exif...))
	f.Add(read(f, "animated.gif"))
	f.Fuzz(func(t *testing.T, data []byte) {
		texts, _ := Texts(data) // of what is damaged, none or some
		total := 0
		for _, text := range texts {
			total += len(text.Text)
		}
		require.LessOrEqual(t, total, max(maxTexts, 4*len(data)))
	})
}
