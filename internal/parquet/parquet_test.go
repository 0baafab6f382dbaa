package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Files are read by a library in docs/examples/parquet.

func TestWriteChecksTheColumns(t *testing.T) {
	name := "a"
	for want, columns := range map[string][]Column{
		"column v has 2 rows, text has 1":            {{Name: "text", Texts: []*string{&name}}, {Name: "v", Vectors: [][]float32{{1}, {2}}}},
		"column v has vectors of 1 and of 2 numbers": {{Name: "v", Vectors: [][]float32{{1}, {2, 3}}}},
		"column v has vectors of 0 and of 0 numbers": {{Name: "v", Vectors: [][]float32{{}}}},
	} {
		require.ErrorContains(t, Write(new(bytes.Buffer), columns), want)
	}
}

// TestWritePlaces: the footer is where its length says, and pages of many rows are cut.
func TestWritePlaces(t *testing.T) {
	rows := make([][]float32, groupRows+3)
	for i := range rows {
		rows[i] = []float32{float32(i), 1, 2}
	}
	var b bytes.Buffer
	require.NoError(t, Write(&b, []Column{{Name: "v", Vectors: rows}}))
	data := b.Bytes()
	require.Equal(t, magic, string(data[:4]))
	require.Equal(t, magic, string(data[len(data)-4:]))
	foot := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	require.Less(t, foot, 300)
	require.Equal(t, 2, bytes.Count(data[len(data)-8-foot:], []byte("element"))-1, "a chunk of each row group")
}

func TestWriteTellsOfAFault(t *testing.T) {
	fault := errors.New("full")
	w := failing{iotest.ErrReader(fault)}
	require.ErrorIs(t, Write(w, []Column{{Name: "v", Vectors: [][]float32{{1}}}}), fault)
}

type failing struct {
	r interface{ Read([]byte) (int, error) }
}

func (f failing) Write(p []byte) (int, error) { return f.r.Read(p) }
