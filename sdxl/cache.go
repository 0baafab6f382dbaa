package sdxl

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// unetCache is a cache across steps. What the deep layers of the UNet give
// changes little from one step to the next: some calls run all of it, the others a few
// layers around what it gave.
//
// DeepCache (Ma et al. 2023, "DeepCache: Accelerating Diffusion Models for Free")
// runs all of it once in a number of calls. The first-block cache (ParaAttention,
// after Liu et al. 2024, "TeaCache") runs the first ResNet block at every call, and
// the rest where what that block adds has changed.
type unetCache struct {
	interval  int     // of deepcache: calls from one of the whole network to the next; 0 is another cache
	branch    int     // of deepcache: the last of the skips that the shallow layers make anew
	threshold float64 // of first-block: the relative change that calls for all of the network; 0 is another cache
}

func (c unetCache) on() bool { return c.interval > 0 || c.threshold > 0 }

// dependsOnBatch reports whether what is reused depends on all pictures of a batch.
func (c unetCache) dependsOnBatch() bool { return c.threshold > 0 }

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
			return c, fmt.Errorf("is %.40q, want a threshold above 0 and up to 1", s)
		}
		return c, nil
	}
	fault := fmt.Errorf("is %.40q, want %s:INTERVAL or %[2]s:INTERVAL:BRANCH, such as %[2]s:3, or %s:THRESHOLD, such as %[3]s:0.1",
		s, deepCacheName, firstBlockName)
	if parts[0] != deepCacheName || len(parts) < 2 || len(parts) > 3 {
		return c, fault
	}
	if c.interval, err = strconv.Atoi(parts[1]); err != nil || c.interval < 2 || c.interval > maxSteps {
		return c, fmt.Errorf("is %.40q, want an interval of 2 to %d", s, maxSteps)
	}
	if len(parts) == 3 {
		if c.branch, err = strconv.Atoi(parts[2]); err != nil || c.branch < 0 {
			return c, fault
		}
	}
	return c, nil
}

// cut returns how the cache divides the network, nil without one; deep is the
// shape of what it holds, for the layers around it, or nil for the whole network.
func (c unetCache) cut(deep tensor.Shape) *unet.Cut {
	if !c.on() {
		return nil
	}
	return &unet.Cut{Skip: c.branch, FirstBlock: c.threshold > 0, Deep: deep}
}

// changed tells whether what the first block adds has changed since the last call
// of the whole network, in the mean over the batch, and keeps it if so.
func (u *unetProgram) changed() bool {
	var off, size float64
	each := func(f func(kept, now []float32)) {
		kept := u.changes
		for i := range u.shallow.parts {
			now := u.shallow.output(unet.ChangeValue, i)
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
