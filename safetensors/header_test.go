package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// file returns a file with a header and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// one returns a file whose only tensor is described by the fields.
func one(fields string, n int) []byte { return file(`{"w":{`+fields+`}}`, n) }

var badFiles = map[string]struct {
	data   []byte
	tensor string
	fault  string
}{
	"empty":             {nil, "", "an empty file"},
	"LFS pointer":       {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "", "a Git LFS pointer"},
	"HTML":              {[]byte("\n<!DOCTYPE html><html>"), "", "an HTML page"},
	"short text":        {[]byte("Denied"), "", `text that begins "Denied"`},
	"PyTorch":           {[]byte("PK\x03\x04\x00\x00\x08\x08\x00\x00"), "", "a ZIP archive"},
	"short prefix":      {[]byte{1, 0, 0}, "", "3 bytes are too few"},
	"no header":         {file("", 0), "", "does not start with {"},
	"not JSON":          {file("hello world", 0), "", "does not start with {"},
	"huge header":       {binary.LittleEndian.AppendUint64(nil, 1<<63+1), "", "above the limit of 100000000"},
	"over the limit":    {binary.LittleEndian.AppendUint64(nil, 100_000_001), "", "above the limit of 100000000"},
	"truncated header":  {binary.LittleEndian.AppendUint64(nil, 99_000_000), "", "truncated"},
	"broken JSON":       {file(`{"w":`, 0), "w", "JSON"},
	"unclosed":          {file(`{`, 0), "", "JSON"},
	"two values":        {file(`{}{}`, 0), "", "more than one JSON value"},
	"NUL padding":       {file("{}\x00\x00", 0), "", "more than one JSON value"},
	"not UTF-8":         {file("{\"\xff\":1}", 0), "", "not UTF-8"},
	"array entry":       {file(`{"w":[]}`, 0), "w", "is due"},
	"trailing comma":    {file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},}`, 1), "", "JSON"},
	"no dtype":          {one(`"shape":[1],"data_offsets":[0,4]`, 4), "w", "dtype missing"},
	"no fields":         {one(``, 0), "w", "data_offsets and dtype and shape missing"},
	"unknown dtype":     {one(`"dtype":"F33","shape":[1],"data_offsets":[0,4]`, 4), "w", `unknown dtype "F33"`},
	"INVALID dtype":     {one(`"dtype":"INVALID","shape":[1],"data_offsets":[0,0]`, 0), "w", "unknown dtype"},
	"number dtype":      {one(`"dtype":7,"shape":[1],"data_offsets":[0,4]`, 4), "w", "no string"},
	"negative size":     {one(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`, 4), "w", "-1 is no whole number"},
	"fraction":          {one(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`, 4), "w", "1.0 is no whole number"},
	"huge size":         {one(`"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]`, 4), "w", "no whole number"},
	"string size":       {one(`"dtype":"F32","shape":["1"],"data_offsets":[0,4]`, 4), "w", "1 is no number"},
	"shape overflow":    {one(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]`, 4), "w", "overflows"},
	"byte overflow":     {one(`"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,4]`, 4), "w", "no size in bytes"},
	"part of a block":   {one(`"dtype":"F4","shape":[3],"data_offsets":[0,2]`, 2), "w", "no size in bytes"},
	"one offset":        {one(`"dtype":"F32","shape":[1],"data_offsets":[0]`, 4), "w", "1 numbers, not 2"},
	"negative offset":   {one(`"dtype":"F32","shape":[1],"data_offsets":[-4,0]`, 4), "w", "no whole number"},
	"ends before start": {one(`"dtype":"U8","shape":[0],"data_offsets":[4,2]`, 4), "w", "before its start"},
	"out of range":      {one(`"dtype":"F32","shape":[2],"data_offsets":[0,8]`, 4), "w", "ends at 8, but the file holds 4"},
	"wrong size":        {one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`, 4), "w", "take 8"},
	"hole at start":     {one(`"dtype":"F32","shape":[1],"data_offsets":[4,8]`, 8), "w", "leaves a hole"},
	"bytes left":        {one(`"dtype":"F32","shape":[1],"data_offsets":[0,4]`, 5), "", "the file holds 5"},
	"no tensors":        {file(`{}`, 3), "", "the file holds 3"},
	"duplicate field":   {one(`"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]`, 4), "w", `"dtype" occurs twice`},
	"duplicate tensor": {file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0077":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"", `"w" occurs twice`},
	"duplicate metadata": {file(`{"__metadata__":{"a":"1","a":"2"}}`, 0), "", `"a" occurs twice`},
	"metadata number":    {file(`{"__metadata__":{"a":1}}`, 0), "", `__metadata__ "a"`},
	"metadata text":      {file(`{"__metadata__":"a"}`, 0), "", "is due"},
	"overlap": {file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6),
		"b", `inside tensor "a"`},
	"same bytes": {file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4),
		"b", `inside tensor "a"`},
	"hole": {file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}`, 9),
		"b", "leaves a hole"},
	"deep": {one(`"x":`+strings.Repeat("[", 100_000), 0), "w", "JSON"},
}

func TestBadFilesAreNamed(t *testing.T) {
	for name, c := range badFiles {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.safetensors")
			require.NoError(t, os.WriteFile(path, c.data, 0o644))
			for how, open := range openers(t, path) {
				f, err := open()
				require.Nil(t, f, how)
				var fe *FormatError
				require.ErrorAs(t, err, &fe, how)
				require.Equal(t, c.tensor, fe.Tensor, how)
				require.Contains(t, fe.Fault, c.fault, how)
				require.Contains(t, err.Error(), "bad.safetensors", how)
				require.Less(t, len(err.Error()), 1000)
			}
		})
	}
}

func TestGoodHeaders(t *testing.T) {
	for name, data := range map[string][]byte{
		"no tensors":     file(`{}`, 0),
		"padded":         file("{} \n\t", 0),
		"unknown fields": one(`"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":{"a":[1,{}]}`, 1),
		"empty at start": file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 4),
		"empty at end":   file(`{"c":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
	} {
		f, err := OpenReaderAt(bytes.NewReader(data), int64(len(data)), name)
		require.NoError(t, err, name)
		for _, n := range f.Names() {
			_, err := f.Tensor(n)
			require.NoError(t, err, name)
		}
	}
}

// A header that claims much must not make the reader allocate much.
func TestClaimsDoNotAllocate(t *testing.T) {
	claims := [][]byte{
		binary.LittleEndian.AppendUint64(nil, 99_999_999),
		one(`"dtype":"F64","shape":[100000000000],"data_offsets":[0,800000000000]`, 8),
	}
	for _, data := range claims {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := OpenReaderAt(bytes.NewReader(data), int64(len(data)), "claim")
		runtime.ReadMemStats(&after)
		require.Error(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}

func TestLongNamesAreCutInErrors(t *testing.T) {
	long := strings.Repeat("n", 10_000)
	data := file(fmt.Sprintf(`{"%s":{"dtype":"%s","shape":[1],"data_offsets":[0,1]}}`, long, long), 1)
	_, err := OpenReaderAt(bytes.NewReader(data), int64(len(data)), "long")
	require.ErrorContains(t, err, "unknown dtype")
	require.Less(t, len(err.Error()), 1000)
}
