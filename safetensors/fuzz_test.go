package safetensors

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// FuzzOpen opens arbitrary bytes. What opens must be readable, and written
// anew it must hold the same tensors.
func FuzzOpen(f *testing.F) {
	good, err := os.ReadFile(dtypesFile)
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), 0))
	for _, c := range badFiles {
		if len(c.data) < 1000 {
			f.Add(c.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded.Check(t, len(data), bounded.Text, func() { openAndWrite(t, data) })
	})
}

func openAndWrite(t *testing.T, data []byte) {
	file, err := OpenReaderAt(bytes.NewReader(data), int64(len(data)), "fuzz")
	if err != nil {
		require.Nil(t, file)
		return
	}
	tensors := all(t, file)
	total := 0
	for _, v := range tensors {
		total += len(v.Bytes())
	}
	require.LessOrEqual(t, total, len(data))

	var b bytes.Buffer
	require.NoError(t, Write(&b, tensors, file.Metadata()))
	again, err := OpenReaderAt(bytes.NewReader(b.Bytes()), int64(b.Len()), "again")
	require.NoError(t, err)
	require.Equal(t, file.Names(), again.Names())
	require.Equal(t, file.Metadata(), again.Metadata())
	for name, v := range all(t, again) {
		require.Equal(t, tensors[name].DType(), v.DType())
		require.Equal(t, tensors[name].Shape(), v.Shape())
		require.True(t, bytes.Equal(tensors[name].Bytes(), v.Bytes()))
	}
}
