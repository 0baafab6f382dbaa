package pickle_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint/pickle"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestTensorsOfTorch: files of torch as it is and as it was before 1.6 hold the tensors that
// torch saved, of every type, and views of others in order.
func TestTensorsOfTorch(t *testing.T) {
	want, err := safetensors.Open(golden.Path("files", "pickle", "state.safetensors"))
	require.NoError(t, err)
	defer want.Close()
	for _, name := range []string{"new.pt", "old.pt"} {
		f, err := pickle.Open(golden.Path("files", "pickle", name))
		require.NoError(t, err)
		defer f.Close()
		for _, key := range want.Names() {
			if key == "f8" && name == "old.pt" { // which that format does not have
				continue
			}
			x, err := f.Tensor(key)
			require.NoError(t, err, "%s %s", name, key)
			y, err := want.Tensor(key)
			require.NoError(t, err)
			require.Equal(t, y.DType(), x.DType(), key)
			require.Equal(t, y.Shape(), x.Shape(), key)
			require.Equal(t, y.Bytes(), x.Bytes(), "%s %s", name, key)
			again, err := f.Tensor(key)
			require.NoError(t, err)
			require.Equal(t, y.Bytes(), again.Bytes())
		}
		require.Equal(t, name == "new.pt", f.Mapped("f32"))
		require.False(t, f.Mapped("transposed"))
	}
}

func TestCheckpointsAndEmbeddings(t *testing.T) {
	f, err := pickle.Open(golden.Path("files", "pickle", "lightning.ckpt"))
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, []string{"state_dict.model.a", "state_dict.model.b"}, f.Names())
	require.Equal(t, map[string]string{"epoch": "3", "global_step": "1000", "callbacks.x.list.0": "1", "callbacks.x.list.1": "2.5", "callbacks.x.list.2": "three", "callbacks.x.list.3.0": "4"},
		f.Metadata())
	e, err := pickle.Open(golden.Path("files", "pickle", "embedding.pt"))
	require.NoError(t, err)
	defer e.Close()
	require.Equal(t, []string{"string_to_param.*"}, e.Names())
	require.Equal(t, map[string]string{"name": "style", "step": "50", "string_to_token.*": "265"}, e.Metadata())
	x, err := e.Tensor("string_to_param.*")
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{2, 8}, x.Shape())
	l, err := pickle.Open(golden.Path("files", "pickle", "linear.bin"))
	require.NoError(t, err)
	defer l.Close()
	require.Equal(t, []string{"bias", "weight"}, l.Names())
}

// TestNothingIsRun: a pickle that calls a function is an error that names it.
func TestNothingIsRun(t *testing.T) {
	for _, c := range [][2]string{
		{"evil.pt", "it calls for posix.system, which is not known to be harmless"},
		{"evil-old.pt", "it calls for posix.system"},
		{"evil.pkl", "none of torch.save"},
		{"counter.pt", "it calls for collections.Counter"},
	} {
		_, err := pickle.Open(golden.Path("files", "pickle", c[0]))
		require.ErrorContains(t, err, golden.Path("files", "pickle", c[0]))
		require.ErrorContains(t, err, c[1])
	}
	require.NoFileExists(t, "/tmp/easel-pickle-ran")
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	open := func(b []byte) error {
		path := filepath.Join(dir, "x.pt")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		_, err := pickle.Open(path)
		return err
	}
	whole, err := os.ReadFile(golden.Path("files", "pickle", "new.pt"))
	require.NoError(t, err)
	old, err := os.ReadFile(golden.Path("files", "pickle", "old.pt"))
	require.NoError(t, err)
	replaced := func(b []byte, from, to string) []byte {
		require.Contains(t, string(b), from)
		require.Len(t, to, len(from))
		return bytes.Replace(b, []byte(from), []byte(to), 1)
	}
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "too short"},
		{[]byte("hello world"), "no file of torch.save"},
		{whole[:len(whole)/2], "truncated"},
		{old[:len(old)-20], "truncated"},
		{old[:300], "truncated: the pickle goes on beyond its end"},
		{replaced(whole, "collections\nOrderedDict", "collections\nOrderedDicz"), "collections.OrderedDicz"},
		{replaced(whole, "torch\nShortStorage", "torch\nShorxStorage"), "torch.ShorxStorage"},
		{replaced(whole, "_rebuild_tensor_v3", "_rebuild_tensor_v4"), "torch._utils._rebuild_tensor_v4"},
		{replaced(whole, "little", "biggie"), "the byte order"},
		{bytes.ReplaceAll(whole, []byte("data/3"), []byte("data/x")), "there is no storage data/3"},
		{bytes.ReplaceAll(whole, []byte("data.pkl"), []byte("date.pkl")), "no file of torch.save"},
		{append([]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02"), bytes.Repeat([]byte("}K\x01"), 9)...), "beyond its end"},
		{[]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}."), "beyond its end"},
		{[]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02]."), "no tensor in it"},
		{[]byte("\x80\x02ccollections\nOrderedDict\n."), "a name or a call where none can be"},
		{[]byte("\x80\x02i."), "the instruction 'i' of pickle"},
		{[]byte("\x80\x02h\x01."), "which it has not kept"},
		{[]byte("\x80\x02t."), "a mark where there is none"},
		{[]byte("\x80\x02(0."), "a value where there is none"},
	} {
		require.ErrorContains(t, open(c.file), c.want)
	}
}

// TestMalformed opens damaged files of both formats, of which at least 200 of each must be found
// out; the others open, and are read.
func TestMalformed(t *testing.T) {
	for _, name := range []string{"new.pt", "old.pt"} {
		whole, err := os.ReadFile(golden.Path("files", "pickle", name))
		require.NoError(t, err)
		r := rand.New(rand.NewPCG(3, 4))
		path, faults := filepath.Join(t.TempDir(), "x.pt"), 0
		for range 500 {
			b := damage(r, whole)
			require.NoError(t, os.WriteFile(path, b, 0o600))
			bounded.Check(t, len(b), bounded.Text, func() {
				if readAll(t, path) != nil {
					faults++
				}
			})
		}
		t.Logf("%s: %d of 500 were found out", name, faults)
		require.Greater(t, faults, 200, name)
	}
}

// damage changes a copy of a file: its pickle mostly, which is what can lead astray.
func damage(r *rand.Rand, whole []byte) []byte {
	b := bytes.Clone(whole)
	for range 1 + r.IntN(4) {
		at := r.IntN(min(2400, len(b)))
		if r.IntN(4) == 0 { // the directory of an archive
			at = len(b) - 1 - r.IntN(min(1200, len(b)))
		}
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b = b[:r.IntN(len(b))+1]
		case 2:
			b = append(b[:at:at], b[min(len(b), at+1+r.IntN(9)):]...)
		case 3:
			from := r.IntN(len(whole) - 8)
			b = append(append(b[:at:at], whole[from:from+8]...), b[at:]...)
		case 4:
			for i := range min(4, len(b)-at) {
				b[at+i] = 0xff
			}
		}
	}
	return b
}

// readAll opens a file and reads its tensors.
func readAll(tb testing.TB, path string) error {
	f, err := pickle.Open(path)
	if err != nil {
		return err
	}
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		require.NoError(tb, err)
		_ = x.Bytes()
	}
	return f.Close()
}

// FuzzOpen opens files of any content. What opens is read.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"linear.bin", "embedding.pt", "evil-old.pt", "old.pt", "counter.pt"} {
		b, err := os.ReadFile(golden.Path("files", "pickle", name))
		require.NoError(f, err)
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "x.pt")
	f.Fuzz(func(t *testing.T, data []byte) {
		if os.WriteFile(path, data, 0o600) != nil {
			t.Skip()
		}
		bounded.Check(t, len(data), bounded.Text, func() { _ = readAll(t, path) })
	})
}
