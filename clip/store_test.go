package clip_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
)

// encode returns a vector as a database keeps it in a column of bytes.
func encode(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// decode is the inverse of encode.
func decode(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// pgvector returns a vector as text that a column of pgvector's type reads:
// INSERT INTO photos (path, embedding) VALUES ($1, $2), and
// SELECT path FROM photos ORDER BY embedding <=> $1 LIMIT 10.
func pgvector(v []float32) string {
	var b strings.Builder
	for i, x := range v {
		b.WriteByte("[,"[min(i, 1)])
		b.WriteString(strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	return b.String() + "]"
}

// TestStoredVectors shows the forms in which vectors are stored.
func TestStoredVectors(t *testing.T) {
	m := open(t, "quick", clip.Options{})
	v, err := m.EmbedTexts(t.Context(), []string{"a cat", "the moon"})
	require.NoError(t, err)
	table := map[string][]byte{} // path to bytes, such as CREATE TABLE photos (path TEXT PRIMARY KEY, vector BLOB)
	for i, name := range []string{"cat.jpg", "moon.jpg"} {
		table[name] = encode(v[i])
	}
	require.Equal(t, v[1], decode(table["moon.jpg"]))
	text := pgvector(v[0])
	require.True(t, strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"))
	var first float32
	_, err = fmt.Sscanf(text, "[%g,", &first)
	require.NoError(t, err)
	require.Equal(t, v[0][0], first)
}
