package nn

import (
	"cmp"
	"slices"
)

// Plan says where in one slab of memory each value of a program lies.
type Plan struct {
	// Offset is the place of each value that owns memory, by ID, or -1 for
	// inputs and outputs, which lie in the caller's tensors.
	Offset []int
	// Workspace is the place of each node's work space, by index, or -1.
	Workspace []int
	// Size is the size of the slab in bytes.
	Size int
}

// block is a range of the slab: its spans begin at the same place.
type block struct {
	spans  []span // in order of time, none larger than the one before
	offset int
	values []int // IDs that share the block
	node   int   // owner of a work space, or -1
}

// span is a number of bytes in use from node first to node last.
type span struct{ first, last, size int }

func (b *block) end() *span { return &b.spans[len(b.spans)-1] }

// PlanOptions adjusts NewPlan. The zero value is good.
type PlanOptions struct {
	Bytes     func(*Value) int // that a value takes in memory; nil is Value.Bytes
	Workspace []int            // bytes that each node, by index, needs beside its operands; nil is none
	Align     int              // of every value, a power of two; 0 is 64, a cache line
	// Unordered says that the parts of a node run in any order. A result then
	// takes over the memory of an operand only if each element is computed from
	// the same element of the operand. Without Unordered, a node that Shrinks
	// takes over its operand, too: it must read pixels before it overwrites them.
	Unordered bool
}

// NewPlan places the values of a program so that those alive at the same time
// do not overlap. An elementwise result takes over the memory of an operand
// that dies with it.
func NewPlan(p *Program, o PlanOptions) *Plan {
	bytes, workspace := o.Bytes, o.Workspace
	if bytes == nil {
		bytes = (*Value).Bytes
	}
	if workspace == nil {
		workspace = make([]int, len(p.Nodes))
	}
	plan := &Plan{Offset: make([]int, p.Values), Workspace: make([]int, len(p.Nodes))}
	external := make([]bool, p.Values)
	for _, n := range slices.Concat(p.Inputs, p.Outputs) {
		external[n.Value.id] = true
	}
	for i := range plan.Offset {
		plan.Offset[i] = -1
	}
	lastUse := make([]int, p.Values)
	for i, n := range p.Nodes {
		for _, v := range n.In {
			lastUse[v.root.id] = i
		}
	}
	var blocks []*block
	owner := make([]*block, p.Values)
	for i := range p.Nodes {
		n := &p.Nodes[i]
		plan.Workspace[i] = -1
		if size := workspace[i]; size > 0 {
			blocks = append(blocks, &block{spans: []span{{i, i, size}}, node: i})
		}
		id := n.Out.id
		if external[id] {
			continue
		}
		last := max(i, lastUse[id])
		if b := takeOver(n, owner, lastUse, i, bytes, o.Unordered); b != nil {
			if size := bytes(n.Out); size < b.end().size {
				b.spans = append(b.spans, span{i, last, size})
			} else {
				b.end().last = max(b.end().last, last)
			}
			b.values = append(b.values, id)
			owner[id] = b
			continue
		}
		b := &block{spans: []span{{i, last, bytes(n.Out)}}, values: []int{id}, node: -1}
		blocks = append(blocks, b)
		owner[id] = b
	}
	plan.Size = place(blocks, cmp.Or(o.Align, 64))
	for _, b := range blocks {
		for _, id := range b.values {
			plan.Offset[id] = b.offset
		}
		if b.node >= 0 {
			plan.Workspace[b.node] = b.offset
		}
	}
	return plan
}

// takeOver returns the block of an operand that the result may overwrite, or nil.
func takeOver(n *Node, owner []*block, lastUse []int, i int, bytes func(*Value) int, unordered bool) *block {
	k := inPlace(n)
	if k < 0 || unordered && Shrinks(n) {
		return nil
	}
	root := n.In[k].root
	b := owner[root.id]
	if b == nil || lastUse[root.id] != i || b.end().last != i || bytes(root) < bytes(n.Out) ||
		bytes(root) != bytes(n.Out) && !Shrinks(n) {
		return nil
	}
	for j, v := range n.In {
		if j != k && v.root == root {
			return nil
		}
	}
	return b
}

// inPlace returns the operand that a kernel reads element by element as it
// writes the result, or -1.
func inPlace(n *Node) int {
	switch op := n.Op.(type) {
	case Linear:
		if op.residual {
			return len(n.In) - 1
		}
	case Conv2D:
		if op.residual {
			return len(n.In) - 1
		}
		if Shrinks(n) {
			return 0
		}
	case Activate, Add, Mul, Affine:
		return 0
	}
	return -1
}

// Shrinks reports whether a node computes each pixel from the same pixel alone,
// with fewer channels, so that its result may overwrite its operand.
func Shrinks(n *Node) bool {
	op, ok := n.Op.(Conv2D)
	if !ok || op.window != nil || op.residual || op.Norm != nil || op.Stride != 1 || op.Pad != (Padding{}) {
		return false
	}
	s := op.Weight.Shape
	return s[2] == 1 && s[3] == 1 && s[0] < s[1]
}

// place gives each block an offset, large ones first, each at the lowest place
// that is free while it lives, and returns the size of the slab.
func place(blocks []*block, unit int) int {
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(b.spans[0].size, a.spans[0].size) })
	align := func(size int) int { return (size + unit - 1) &^ (unit - 1) }
	type placed struct {
		span
		offset int
	}
	var taken []placed // by offset
	total := 0
	for _, b := range order {
		at := 0
		for moved := true; moved; {
			moved = false
			for _, s := range b.spans {
				for _, o := range taken {
					if o.last < s.first || s.last < o.first {
						continue
					}
					if at+align(s.size) <= o.offset {
						break
					}
					if end := o.offset + align(o.size); end > at {
						at, moved = end, true
					}
				}
			}
			moved = moved && len(b.spans) > 1 // what one span passed, another may meet
		}
		b.offset = at
		for _, s := range b.spans {
			total = max(total, at+align(s.size))
			p := placed{s, at}
			i, _ := slices.BinarySearchFunc(taken, p, func(a, b placed) int { return cmp.Compare(a.offset, b.offset) })
			taken = slices.Insert(taken, i, p)
		}
	}
	return total
}
