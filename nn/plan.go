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

// planAlign keeps values on cache lines of their own.
const planAlign = 64

// block is a range of the slab that is in use from node first to node last.
type block struct {
	first, last int
	size        int
	offset      int
	values      []int // IDs that share the block
	node        int   // owner of a work space, or -1
}

// NewPlan places the values of a program so that those alive at the same time
// do not overlap. An elementwise result takes over the memory of an operand
// that dies with it. bytes tells the size of a value in memory; workspace, that
// of what each node, by index, needs beside its operands while it runs.
func NewPlan(p *Program, bytes func(*Value) int, workspace []int) *Plan {
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
			blocks = append(blocks, &block{first: i, last: i, size: size, node: i})
		}
		id := n.Out.id
		if external[id] {
			continue
		}
		last := max(i, lastUse[id])
		if b := takeOver(n, owner, lastUse, i, bytes); b != nil {
			b.last = max(b.last, last)
			b.values = append(b.values, id)
			owner[id] = b
			continue
		}
		b := &block{first: i, last: last, size: bytes(n.Out), values: []int{id}, node: -1}
		blocks = append(blocks, b)
		owner[id] = b
	}
	plan.Size = place(blocks)
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
func takeOver(n *Node, owner []*block, lastUse []int, i int, bytes func(*Value) int) *block {
	k := inPlace(n)
	if k < 0 {
		return nil
	}
	root := n.In[k].root
	b := owner[root.id]
	if b == nil || lastUse[root.id] != i || b.last != i || bytes(root) != bytes(n.Out) {
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
	case Activate, Add, Mul, Affine:
		return 0
	}
	return -1
}

// place gives each block an offset, large ones first, each at the lowest place
// that is free while it lives, and returns the size of the slab.
func place(blocks []*block) int {
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(b.size, a.size) })
	var placed []*block // by offset
	total := 0
	for _, b := range order {
		size := (b.size + planAlign - 1) &^ (planAlign - 1)
		at := 0
		for _, o := range placed {
			if o.last < b.first || b.last < o.first {
				continue
			}
			if at+size <= o.offset {
				break
			}
			at = max(at, o.offset+(o.size+planAlign-1)&^(planAlign-1))
		}
		b.offset = at
		total = max(total, at+size)
		i, _ := slices.BinarySearchFunc(placed, b, func(a, b *block) int { return cmp.Compare(a.offset, b.offset) })
		placed = slices.Insert(placed, i, b)
	}
	return total
}
