package nn

import (
	"errors"
	"fmt"

	"github.com/df65613c/easel/tensor"
)

// Value is a tensor in a graph: an input or the result of an operation.
type Value struct {
	graph *Graph
	id    int
	dtype tensor.DType
	shape tensor.Shape
	root  *Value // the value whose memory this one views; itself unless reshaped
}

// DType returns the element type.
func (v *Value) DType() tensor.DType { return v.dtype }

// Shape returns the sizes; the caller must not change them.
func (v *Value) Shape() tensor.Shape { return v.shape }

// Dim returns the size of an axis. A negative axis counts from the end.
func (v *Value) Dim(axis int) int {
	if axis < 0 {
		axis += len(v.shape)
	}
	return v.shape[axis]
}

// Root returns the value whose memory v views: v itself unless it is a reshape.
func (v *Value) Root() *Value { return v.root }

// ID returns the index of the value in its graph.
func (v *Value) ID() int { return v.id }

// Bytes returns the size of the value in memory.
func (v *Value) Bytes() int {
	n, err := v.dtype.ByteLen(v.shape.NumElements())
	if err != nil {
		panic(err)
	}
	return n
}

// Node is one operation of a graph, in the order of execution.
type Node struct {
	Op  Op
	In  []*Value
	Out *Value
}

// Named is a value with the name it has outside the graph.
type Named struct {
	Name  string
	Value *Value
}

// Graph is a recorded network. It is not safe for concurrent recording; a
// finished graph is immutable and may be compiled from several goroutines.
type Graph struct {
	nodes   []Node
	values  int
	inputs  []Named
	outputs []Named
	taps    []tap
}

type tap struct {
	Named
	image bool
}

// RecordError is a fault found while recording: operands whose shapes or
// types do not fit each other.
type RecordError struct{ Err error }

func (e *RecordError) Error() string { return "nn: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// Record calls f with an empty graph and returns what it recorded, or the error
// of the first operation whose operands do not fit.
func Record(f func(g *Graph)) (g *Graph, err error) {
	defer func() {
		if r := recover(); r != nil {
			re, ok := r.(*RecordError)
			if !ok {
				panic(r)
			}
			g, err = nil, re
		}
	}()
	g = new(Graph)
	f(g)
	if len(g.outputs) == 0 {
		return nil, &RecordError{errors.New("the graph has no output")}
	}
	return g, nil
}

// Fail stops recording with an error, which Record returns.
func (g *Graph) Fail(format string, args ...any) {
	panic(&RecordError{fmt.Errorf(format, args...)})
}

func (g *Graph) value(dt tensor.DType, shape tensor.Shape) *Value {
	if err := shape.Check(); err != nil {
		g.Fail("%w", err)
	}
	if shape.NumElements() == 0 {
		g.Fail("a value of shape %v is empty", shape)
	}
	v := &Value{graph: g, id: g.values, dtype: dt, shape: shape}
	v.root = v
	g.values++
	return v
}

// add records an operation and returns its result.
func (g *Graph) add(op Op, dt tensor.DType, shape tensor.Shape, in ...*Value) *Value {
	out := g.value(dt, shape)
	g.nodes = append(g.nodes, Node{Op: op, In: in, Out: out})
	return out
}

// Input adds an input. Inputs are given to Run in the order they were recorded.
func (g *Graph) Input(name string, dt tensor.DType, shape ...int) *Value {
	v := g.value(dt, tensor.Shape(shape).Clone())
	g.inputs = append(g.inputs, Named{name, v})
	return v
}

// Output names a result. Outputs are given to Run in the order they were recorded.
func (g *Graph) Output(name string, v *Value) {
	g.operands("Output "+name, v)
	g.outputs = append(g.outputs, Named{name, v})
}

// Tap names an inner value, so that CompileOptions.Taps can ask for it.
func (g *Graph) Tap(name string, v *Value) {
	g.operands("Tap "+name, v)
	g.taps = append(g.taps, tap{Named{name, v}, false})
}

// TapImage is Tap for an NHWC image, which is given out as NCHW.
func (g *Graph) TapImage(name string, v *Value) {
	g.operands("TapImage "+name, v)
	if len(v.shape) != 4 {
		g.Fail("TapImage %s: %v is no NHWC image", name, v.shape)
	}
	g.taps = append(g.taps, tap{Named{name, v}, true})
}

// Inputs returns the inputs in order.
func (g *Graph) Inputs() []Named { return g.inputs }

// Outputs returns the outputs in order.
func (g *Graph) Outputs() []Named { return g.outputs }

// Taps returns the names of the inner values that can be asked for.
func (g *Graph) Taps() []string {
	names := make([]string, len(g.taps))
	for i, t := range g.taps {
		names[i] = t.Name
	}
	return names
}
