package nn

import (
	"fmt"
	"slices"
)

// Hoist splits a graph in two around inputs that keep their values over many
// runs, such as the text of a request while the noise level falls. The first
// graph computes what depends on those inputs alone. The second computes the
// rest: its inputs are those of g that it still needs, by their names, and then
// the outputs of the first, by theirs. Taps of values that the first computes
// are dropped. The first graph is nil if there is nothing to compute ahead.
func Hoist(g *Graph, fixed ...string) (once, each *Graph, err error) {
	once, each = &Graph{values: g.values}, &Graph{values: g.values, outputs: g.outputs}
	early := make(map[*Value]bool) // known from the fixed inputs alone
	given := make(map[*Value]bool) // inputs of the second graph
	for _, in := range g.inputs {
		if slices.Contains(fixed, in.Name) {
			early[in.Value] = true
			once.inputs = append(once.inputs, in)
			continue
		}
		given[in.Value] = true
		each.inputs = append(each.inputs, in)
	}
	if len(once.inputs) != len(fixed) {
		return nil, nil, fmt.Errorf("nn: the graph lacks one of the inputs %q", fixed)
	}
	// take makes v an input of the second graph if it is computed by the first.
	take := func(v *Value) {
		v = v.root
		if !early[v] || given[v] {
			return
		}
		given[v] = true
		for _, in := range once.inputs {
			if in.Value == v {
				each.inputs = append(each.inputs, in)
				return
			}
		}
		once.outputs = append(once.outputs, Named{fmt.Sprintf("hoisted.%d", len(once.outputs)), v})
	}
	isLate := func(v *Value) bool { return !early[v.root] }
	for _, n := range g.nodes {
		if !slices.ContainsFunc(n.In, isLate) {
			early[n.Out] = true
			once.nodes = append(once.nodes, n)
			continue
		}
		for _, v := range n.In {
			take(v)
		}
		each.nodes = append(each.nodes, n)
	}
	for _, o := range g.outputs {
		take(o.Value)
	}
	each.taps = slices.DeleteFunc(slices.Clone(g.taps), func(t tap) bool { return early[t.Value.root] })
	each.inputs = append(each.inputs, once.outputs...)
	if len(once.outputs) == 0 {
		once = nil
	}
	return once, each, nil
}
