package vulkan_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan"
	"github.com/df65613c/easel/gpu/vulkan/vk"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
)

// messages collects what the validation layer says.
type messages struct {
	mu   sync.Mutex
	list []string
}

func (m *messages) add(id, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, id+": "+text)
}

func (m *messages) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = nil
	return list
}

// modes are those of the layer; it has one of the latter two at a time.
var modes = map[string][]uint32{
	"core":            nil,
	"synchronisation": {vk.ValidateSynchronization},
	"assisted":        {vk.ValidateGPUAssisted, vk.ValidateGPUReserveBindingSlot},
}

// checked opens a device under the layer. Only where EASEL_REQUIRE_VULKAN asks for it,
// since the layer is slow.
func checked(t *testing.T, mode string) (run.Driver, *messages) {
	if os.Getenv("EASEL_REQUIRE_VULKAN") == "" {
		t.Skip("EASEL_REQUIRE_VULKAN is not set")
	}
	m := new(messages)
	d := driver(t, vulkan.Options{Checks: &vulkan.Checks{Enable: modes[mode], Message: m.add}})
	return d, m
}

func TestValidationHasNothingToSay(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			d, m := checked(t, mode)
			b, err := run.New(d, run.Options{Precision: nn.F32, Staged: true})
			require.NoError(t, err)
			nntest.Run(t, b, nntest.Options{})
			require.NoError(t, b.Close())
			for i, text := range m.take() {
				if t.Errorf("%s", text); i == 3 {
					break
				}
			}
		})
	}
}

// chain doubles numbers twice, with or without a barrier between, some of which lie
// outside of the bindings.
func chain(t *testing.T, d run.Driver, barrier bool, outside int) {
	const n = 1024
	var buffers []run.Buffer
	for range 3 {
		b, err := d.Alloc(4*n, run.Device)
		require.NoError(t, err)
		defer d.Free(b)
		buffers = append(buffers, b)
	}
	var cmds []run.Command
	for i := range 2 {
		whole := func(b run.Buffer) run.Range { return run.Range{Buffer: b, Size: 4 * n} }
		p := &run.Dispatch{
			Variant: kernel.Variant{Kernel: kernel.Map, Spec: [kernel.Specs]uint32{kernel.Add}}, Groups: (n + outside) / 256,
			Params:   []uint32{0, 0, 0, uint32((n + outside) / 256), uint32(n + outside), 1, 1, 0, 0},
			Bindings: []run.Range{whole(buffers[i]), whole(buffers[i]), whole(buffers[i+1])},
		}
		cmds = append(cmds, run.Command{Barrier: i == 0 || barrier, Dispatch: p})
	}
	r, err := d.Record(cmds, false)
	require.NoError(t, err)
	defer d.Release(r)
	ticket, err := d.Submit(r)
	require.NoError(t, err)
	for done := false; !done; {
		done, err = d.Wait(ticket, 1e9)
		require.NoError(t, err)
	}
}

// TestValidationFindsFaults: that the layer says nothing means something.
func TestValidationFindsFaults(t *testing.T) {
	t.Run("a missing barrier", func(t *testing.T) {
		d, m := checked(t, "synchronisation")
		defer d.Close()
		chain(t, d, true, 0)
		require.Empty(t, m.take())
		chain(t, d, false, 0)
		require.Contains(t, strings.Join(m.take(), "\n"), "SYNC-HAZARD")
	})
	t.Run("a read outside", func(t *testing.T) {
		d, m := checked(t, "assisted")
		defer d.Close()
		chain(t, d, true, 0)
		require.Empty(t, m.take())
		chain(t, d, true, 1024)
		require.Contains(t, strings.Join(m.take(), "\n"), "out of bounds")
	})
}
