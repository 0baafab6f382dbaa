package pickle_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint/pickle"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// old is a file of torch before 1.6 with an object, and storages of 4 floats by the keys given.
func old(object string, keys ...string) []byte {
	var b bytes.Buffer
	b.WriteString("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02" + object + ".\x80\x02](")
	for _, key := range keys {
		b.WriteString(text(key))
	}
	b.WriteString("e.")
	for range keys {
		b.Write(binary.LittleEndian.AppendUint64(nil, 4))
		b.Write(make([]byte, 16))
	}
	return b.Bytes()
}

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func whole(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func tuple(n ...int) string {
	var b strings.Builder
	b.WriteString("(")
	for _, v := range n {
		b.WriteString(whole(v))
	}
	return b.String() + "t"
}

// view is a tensor of a storage of 4 floats, named "0".
func view(offset int, shape, strides string) string { return viewOf(4, offset, shape, strides) }

func viewOf(elements, offset int, shape, strides string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + whole(elements) + "tQ" + whole(offset) + shape + strides + "\x89}tR"
}

// dict is a dictionary of one key.
func dict(key, value string) string { return "}" + text(key) + value + "s" }

func openBytes(t *testing.T, b []byte) (*safetensors.File, error) {
	path := filepath.Join(t.TempDir(), "x.pt")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := pickle.Open(path)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, f.Close()) })
	}
	return f, err
}

// TestBoundsOfTensors: views that end with their storage, and one element further.
func TestBoundsOfTensors(t *testing.T) {
	axes := func(n int) string { return tuple(make([]int, n)...) }
	for _, c := range []struct{ value, want string }{
		{view(0, tuple(4), tuple(1)), ""},
		{view(0, tuple(5), tuple(1)), "5 elements from 0 on, of a storage of 4"},
		{view(1, tuple(3), tuple(1)), ""},
		{view(1, tuple(4), tuple(1)), "4 elements from 1 on, of a storage of 4"},
		{view(4, tuple(0), tuple(1)), ""},
		{view(5, tuple(0), tuple(1)), "it begins at element 5 of a storage of 4"},
		{view(-1, tuple(1), tuple(1)), "with the offset -1"},
		{view(0, tuple(2), tuple(3)), ""},
		{view(0, tuple(2), tuple(4)), "tensor \"a\""},
		{view(1, tuple(2), tuple(3)), "tensor \"a\""},
		{view(0, tuple(2, 2), tuple(1, 2)), ""},
		{view(0, tuple(2, 3), tuple(1, 2)), "tensor \"a\""},
		{view(0, tuple(2, 2), tuple(1)), "strides that do not fit its shape of 2 axes"},
		{view(0, tuple(-1), tuple(1)), "a shape that is no list of sizes"},
		{view(0, axes(16), axes(16)), ""},
		{view(0, axes(17), axes(17)), "a shape that is no list of sizes"},
		{view(0, tuple(1<<30, 1<<30, 1<<30), tuple(1, 1, 1)), "a shape of 3 axes overflows"},
		{view(0, "N", tuple(1)), "a shape that is no list of sizes"},
		{viewOf(5, 0, tuple(4), tuple(1)), "has 4 elements, want 5"},
		{viewOf(-1, 0, tuple(4), tuple(1)), "a storage of type torch.FloatStorage, key 0 and -1 elements"},
		{"ctorch._utils\n_rebuild_tensor_v2\n(tR", "_rebuild_tensor_v2 with 0 arguments, want 6"},
		{"ctorch._utils\n_rebuild_parameter\n(tR", "_rebuild_parameter without a tensor"},
		{"ctorch._utils\n_rebuild_parameter\n(" + view(0, tuple(4), tuple(1)) + "\x89}tR", ""},
		{"ccollections\nOrderedDict\n(]](" + text("b") + view(0, tuple(4), tuple(1)) + "eatR", "name b"},
		{"ccollections\nOrderedDict\n(]](" + text("b") + "eatR", "of what is no pairs"},
	} {
		f, err := openBytes(t, old(dict("a", c.value), "0"))
		if name, nested := strings.CutPrefix(c.want, "name "); nested {
			require.NoError(t, err)
			require.Equal(t, []string{"a." + name}, f.Names())
		} else if c.want == "" {
			require.NoError(t, err, "%q", c.value)
			x, err := f.Tensor("a")
			require.NoError(t, err)
			require.Equal(t, tensor.F32, x.DType())
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}

// TestBoundsOfValues: as deep as values may be, and one deeper; of a large text nothing is kept.
func TestBoundsOfValues(t *testing.T) {
	nested := func(n int) string {
		value := view(0, tuple(4), tuple(1))
		for range n {
			value = dict("a", value)
		}
		return value
	}
	_, err := openBytes(t, old(nested(32), "0"))
	require.NoError(t, err)
	_, err = openBytes(t, old(nested(33), "0"))
	require.ErrorContains(t, err, "values 32 deep")
	for size, kept := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		f, err := openBytes(t, old("}("+text("a")+view(0, tuple(4), tuple(1))+text("b")+text(strings.Repeat("x", size))+"u", "0"))
		require.NoError(t, err)
		value, there := f.Metadata()["b"]
		require.Equal(t, []any{kept, kept}, []any{there, len(value) == size})
	}
	for version, ok := range map[int]bool{1: false, 2: true, 5: true, 6: false} {
		b := bytes.Replace(old(dict("a", view(0, tuple(4), tuple(1))), "0"), []byte("}.\x80\x02}"), []byte{'}', '.', 0x80, byte(version), '}'}, 1)
		_, err := openBytes(t, b)
		require.Equal(t, ok, err == nil, "%d: %v", version, err)
	}
}

// TestSharedValues: a value that lies at many places, under long names, costs no more than the
// file.
func TestSharedValues(t *testing.T) {
	var wide, deep strings.Builder
	wide.WriteString(text(strings.Repeat("k", 1<<20)) + "q\x000") // kept, and taken off again
	for range 30 {
		wide.WriteString("}h\x00")
	}
	wide.WriteString("](" + strings.Repeat("K\x01", 1000) + "e" + strings.Repeat("s", 30))
	deep.WriteString("K\x01q\x000")
	for i := range 20 { // each holds the last one twice
		fmt.Fprintf(&deep, "](h%ch%ceq%c0", i, i, i+1)
	}
	fmt.Fprintf(&deep, "h%c", 20)
	for name, object := range map[string]string{"wide": wide.String(), "deep": deep.String()} {
		b := old(object)
		bounded.Check(t, len(b), bounded.Text, func() {
			_, err := openBytes(t, b)
			require.ErrorContains(t, err, "names that are longer together than the file could have", name)
		})
	}
}

// TestWrongStates: an instruction that finds something else than it needs.
func TestWrongStates(t *testing.T) {
	global := "ccollections\nOrderedDict\n"
	for object, want := range map[string]string{
		global + "NR": "arguments that are a <nil>", "N)R": "it calls a <nil>", ")R": "a value where there is none", "NQ": "a persistent id that names no storage", "(t": "no tensor in it",
		"(" + text("storage") + "NNNNtQ": "a storage of type", "NN\x93": "a name that is no text", text("a") + "N\x93": "a name that is no text", "N" + text("a") + "\x93": "a name that is no text",
		"b": "a value where there is none", "Nb": "a value where there is none", "NNNs": "keys and values for a <nil>", "}(Nu": "keys and values for a *pickle.dict", "NNa": "items for a <nil>", "}(Ne": "items for a *pickle.dict",
		"](N\x90": "items for a *pickle.list", "h\x07": "brings back value 7", "j\x07\x00\x00\x00": "brings back value 7", "2": "a value where there is none", "(2": "a value where there is none", "\x85": "a value where there is none",
		"N\x86": "a value where there is none", "(N\x86": "a value where there is none", "1": "a mark where there is none", "t": "a mark where there is none", "c" + strings.Repeat("a", 5000): "a name without end",
		"casdf": "beyond its end", global + "(NtR": "OrderedDict of a <nil>", "X\xff\xff\xff\x7f": "truncated", "\x8b\xff\xff\xff\x7f": "truncated", "\x80\x01": "protocol 1", "\xff": "the instruction",
	} {
		if object == "(t" {
			object = dict("a", object)
		}
		_, err := openBytes(t, old(object))
		require.ErrorContains(t, err, want, "%q", object)
	}
}

// TestNumbers: each form that pickletools describes. Of numbers of more than 64 bits nothing is kept.
func TestNumbers(t *testing.T) {
	for value, want := range map[string]string{
		"J\x00\x00\x00\x80": "-2147483648", "J\xff\xff\xff\x7f": "2147483647", "K\xff": "255", "M\xff\xff": "65535", "G\x3f\xf8\x00\x00\x00\x00\x00\x00": "1.5", "\x88": "true", "\x89": "false",
		"\x8a\x00": "0", "\x8a\x01\xff": "-1", "\x8a\x01\x7f": "127", "\x8a\x02\x00\x80": "-32768", "\x8a\x02\xff\x00": "255", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f": "9223372036854775807",
		"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80": "-9223372036854775808", "\x8a\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01": "", "\x8b\x01\x00\x00\x00\x05": "5",
		"\x8c\x01a": "a", "\x8d\x01\x00\x00\x00\x00\x00\x00\x00a": "a", "U\x01a": "a", "T\x01\x00\x00\x00a": "a", "X\x00\x00\x00\x00": "\"\"", "C\x01a": "", "B\x01\x00\x00\x00a": "", "N": "", "\x8f": "",
		"\x8f(K\x01\x90": "", "(K\x01\x91": "", "ctorch\nSize\n((K\x07ttR": "7", "ctorch\ndevice\n(" + text("cpu") + "tR": "", "K\x01K\x020": "1", "K\x01(K\x021": "1",
	} {
		f, err := openBytes(t, old("}("+text("x")+view(0, tuple(4), tuple(1))+text("v")+value+"u", "0"))
		require.NoError(t, err, "%q", value)
		got, there := f.Metadata()["v"]
		if key := "v.0"; !there {
			got, there = f.Metadata()[key]
		}
		require.Equal(t, want != "", there, "%q", value)
		require.Equal(t, strings.Trim(want, "\""), got, "%q", value)
	}
}
