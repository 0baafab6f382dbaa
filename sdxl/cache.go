package sdxl

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// unetCache is a cache across steps. What the deep layers of the UNet give
// changes little from one step to the next: some calls run all of it, the others a few
// layers around what it gave.
//
// DeepCache (Ma et al. 2023, "DeepCache: Accelerating Diffusion Models for Free")
// runs all of it every so many calls. The first-block cache (ParaAttention,
// after Liu et al. 2024, "TeaCache") runs the first ResNet block at every call, and
// the rest where what that block adds has changed.
type unetCache struct {
	interval  int     // of deepcache: calls from one of the whole network to the next; 0 is another cache
	branch    int     // of deepcache: the last of the skips that the shallow layers make anew
	threshold float64 // of first-block: the relative change that calls for all of the network; 0 is another cache
}

func (c unetCache) on() bool { return c.interval > 0 || c.threshold > 0 }

const (
	deepCacheName  = "deepcache"
	firstBlockName = "first-block"
)

// parseCache reads "", deepcache:INTERVAL, deepcache:INTERVAL:BRANCH or first-block:THRESHOLD.
func parseCache(s string) (c unetCache, err error) {
	if s == "" {
		return c, nil
	}
	parts := strings.Split(s, ":")
	if parts[0] == firstBlockName && len(parts) == 2 {
		if c.threshold, err = strconv.ParseFloat(parts[1], 64); err != nil || !(c.threshold > 0 && c.threshold <= 1) {
			return c, fmt.Errorf("cache is %q, want a threshold above 0 and up to 1", s)
		}
		return c, nil
	}
	fault := fmt.Errorf("cache is %q, want %s:INTERVAL or %[2]s:INTERVAL:BRANCH, such as %[2]s:3, or %s:THRESHOLD, such as %[3]s:0.1",
		s, deepCacheName, firstBlockName)
	if parts[0] != deepCacheName || len(parts) < 2 || len(parts) > 3 {
		return c, fault
	}
	if c.interval, err = strconv.Atoi(parts[1]); err != nil || c.interval < 2 || c.interval > maxSteps {
		return c, fmt.Errorf("cache is %q, want an interval of 2 to %d", s, maxSteps)
	}
	if len(parts) == 3 {
		if c.branch, err = strconv.Atoi(parts[2]); err != nil || c.branch < 0 {
			return c, fault
		}
	}
	return c, nil
}

// cacheOf reads a cache and checks it for a model.
func cacheOf(s string, m *UNet) (unetCache, error) {
	c, err := parseCache(s)
	if err == nil && c.branch >= m.skips() {
		err = fmt.Errorf("cache is %q, want a branch of 0 to %d", s, m.skips()-1)
	}
	return c, err
}

// skips returns how many images the UNet's way down leaves for its way up.
func (u *UNet) skips() int {
	n := len(u.blocks) // conv_in and the downsamplers
	for _, b := range u.blocks {
		n += b.layers
	}
	return n
}

// deepValue names what the cache holds, an image [B,h,w,C], and changeValue what
// the first block adds.
const (
	deepValue   = "deep"
	changeValue = "change"
)

// record tells a recorder of the network of the cache: with what it holds as one
// more output, the second.
func (c unetCache) record(r *unetRecorder) {
	switch {
	case c.interval > 0:
		r.cut = c.branch
	case c.threshold > 0:
		r.firstBlock = true
	}
}

// recordShallow tells a recorder of the layers around the image that the cache
// holds, which is one more input.
func (c unetCache) recordShallow(r *unetRecorder, deep tensor.Shape) {
	c.record(r)
	r.cached = r.g.Input(deepValue, tensor.F32, deep...)
}

// aroundFirst records the first block and what follows the last one: between them
// is what the cache holds.
func (r *unetRecorder) aroundFirst(x *nn.Value) *nn.Value {
	first := r.resnet("down_blocks.0.resnets.0", x, r.temb, r.blocks[0].channels, r.Config.NormNumGroups, r.Config.NormEps)
	r.change = r.g.Add(first, r.g.Affine(x, -1, 0))
	return r.output(r.g.Add(first, r.cached))
}

// changed tells whether what the first block adds has changed since the last call
// of the whole network, in the mean over the batch, and keeps it if so.
func (u *unetProgram) changed() bool {
	var off, size float64
	each := func(f func(kept, now []float32)) {
		kept := u.changes
		for _, p := range u.shallow.parts {
			now := p.dst[1].Float32s()
			f(kept[:len(now)], now)
			kept = kept[len(now):]
		}
	}
	if u.calls > 1 {
		each(func(kept, now []float32) {
			for i, v := range kept {
				off += math.Abs(float64(now[i]) - float64(v))
				size += math.Abs(float64(v))
			}
		})
		if off <= u.cache.threshold*size {
			return false
		}
	}
	each(func(kept, now []float32) { copy(kept, now) })
	return true
}
