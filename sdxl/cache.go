package sdxl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// deepCache is the cache of Ma et al., DeepCache: Accelerating Diffusion Models
// for Free, 2023: what the deep layers of the UNet give changes little from step
// to step, so that all of it runs only every so many calls. The calls between
// run the shallow layers around what it gave.
type deepCache struct {
	interval int // calls from one of the whole network to the next; 0 is no cache
	branch   int // the last of the skips that the shallow layers make anew
}

const deepCacheName = "deepcache"

// parseCache reads "", deepcache:INTERVAL or deepcache:INTERVAL:BRANCH.
func parseCache(s string) (c deepCache, err error) {
	if s == "" {
		return c, nil
	}
	fault := fmt.Errorf("cache is %q, want %s:INTERVAL or %[2]s:INTERVAL:BRANCH, such as %[2]s:3", s, deepCacheName)
	parts := strings.Split(s, ":")
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

// skips returns how many images the UNet's way down leaves for its way up.
func (u *UNet) skips() int {
	n := len(u.blocks) // conv_in and the downsamplers
	for _, b := range u.blocks {
		n += b.layers
	}
	return n
}

// deepValue names what the cache holds: an image [B,h,w,C].
const deepValue = "deep"

// deepGraph records the network with what the cache holds as one more output,
// the second.
func (u *UNet) deepGraph(batch, h, w, tokens, branch int) (*nn.Graph, error) {
	return u.record(batch, h, w, tokens, func(r *unetRecorder) { r.cut = branch })
}

// shallowGraph records the layers around the image that the cache holds, which is
// one more input.
func (u *UNet) shallowGraph(batch, h, w, tokens, branch int, deep tensor.Shape) (*nn.Graph, error) {
	return u.record(batch, h, w, tokens, func(r *unetRecorder) {
		r.cut, r.cached = branch, r.g.Input(deepValue, tensor.F32, deep...)
	})
}
