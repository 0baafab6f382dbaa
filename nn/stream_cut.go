package nn

import "slices"

// imagesToCut returns the images around convolutions that take more than the
// limit, but for small ones and those that something else makes or reads.
func imagesToCut(p *Program, o Streaming) map[*Value]*image {
	cut := make(map[*Value]*image)
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if _, ok := reachOf(n.Op); !ok {
			continue
		}
		around := []*Value{n.In[0], n.Out}
		size := o.Bytes(n.In[0].root) + o.Bytes(n.Out)
		if add := residualOf(n); add != nil { // the result takes its place
			around = append(around, add)
		}
		if size <= o.Limit {
			continue
		}
		for _, v := range around {
			if o.Bytes(v.root) >= o.Limit/4 && v.Dim(0) == 1 && v.root == v {
				cut[v] = new(image)
			}
		}
	}
	for _, n := range slices.Concat(p.Inputs, p.Outputs) {
		delete(cut, n.Value)
	}
	for before := -1; before != len(cut); {
		before = len(cut)
		dropUncuttable(p, cut)
	}
	return cut
}

// dropUncuttable removes images that nodes as they are can't make or read in parts.
func dropUncuttable(p *Program, cut map[*Value]*image) {
	groups := make(map[*Value]int)
	for i := range p.Nodes {
		n := &p.Nodes[i]
		_, ok := reachOf(n.Op)
		if !ok {
			delete(cut, n.Out)
		}
		for j, v := range n.In {
			switch {
			case !ok, v.root != v:
				delete(cut, v.root)
			case j > 0 && cut[n.Out] == nil: // a residual, of which a whole result is made
				delete(cut, v)
			}
		}
		if norm := normOf(n.Op); norm != nil {
			x := n.In[0]
			if g, ok := groups[x]; ok && g != norm.Groups {
				delete(cut, x)
			}
			groups[x] = norm.Groups
		}
	}
}
