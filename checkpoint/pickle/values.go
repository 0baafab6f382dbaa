package pickle

import (
	"fmt"
	"math"
	"slices"

	"github.com/df65613c/easel/tensor"
)

// The values of a pickle are nil, bool, int64, float64, string and these.
type (
	tuple  []any
	list   struct{ items []any }
	global string // the name of a class or function, which is never called
	// opaque is what is read over: bytes, sets, and what allowed functions would make.
	opaque struct{}
)

// dict is a dictionary in the order in which it was filled.
type dict struct {
	keys   []any
	values []any
}

func (d *dict) set(key, value any) {
	d.keys, d.values = append(d.keys, key), append(d.values, value)
}

// takeParameters fills a ParameterDict of torch, as which old textual inversions hold their vectors, from its attributes.
func (d *dict) takeParameters(attributes any) {
	a, ok := attributes.(*dict)
	if !ok || len(d.keys) > 0 {
		return
	}
	if i := slices.Index(a.keys, any("_parameters")); i >= 0 {
		if held, ok := a.values[i].(*dict); ok {
			*d = *held
		}
	}
}

// storage is a run of elements in the file that tensors are views of.
type storage struct {
	key   string
	dtype tensor.DType
	bytes int64
}

// view is a tensor, a view of a storage.
type view struct {
	of      *storage
	dtype   tensor.DType
	offset  int64 // in elements
	shape   tensor.Shape
	strides []int
}

// inert are the names that files of torch.save hold and that mean nothing to their tensors.
var inert = map[global]bool{
	"_codecs.encode": true, "numpy.dtype": true, "numpy.ndarray": true, "numpy.core.multiarray.scalar": true,
	"numpy.core.multiarray._reconstruct": true,
	"numpy._core.multiarray.scalar":      true, "numpy._core.multiarray._reconstruct": true, "torch.device": true,
	"__builtin__.set": true, "builtins.set": true,
	"torch.serialization._get_layout": true, "torch.Generator": true,
	"pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint": true, "pytorch_lightning.callbacks.ModelCheckpoint": true,
	"lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint": true,
}

// dtypes are the types of elements, by the names of torch's storages and types.
var dtypes = map[global]tensor.DType{
	"torch.FloatStorage": tensor.F32, "torch.HalfStorage": tensor.F16, "torch.BFloat16Storage": tensor.BF16,
	"torch.DoubleStorage": tensor.F64,
	"torch.LongStorage":   tensor.I64, "torch.IntStorage": tensor.I32, "torch.ShortStorage": tensor.I16,
	"torch.CharStorage": tensor.I8,
	"torch.ByteStorage": tensor.U8, "torch.BoolStorage": tensor.Bool, "torch.ComplexFloatStorage": tensor.C64,
	"torch.storage.UntypedStorage": tensor.U8,
	"torch.float32":                tensor.F32, "torch.float16": tensor.F16, "torch.bfloat16": tensor.BF16,
	"torch.float64": tensor.F64, "torch.int64": tensor.I64,
	"torch.int32": tensor.I32, "torch.int16": tensor.I16, "torch.int8": tensor.I8, "torch.uint8": tensor.U8,
	"torch.bool": tensor.Bool, "torch.complex64": tensor.C64,
	"torch.float8_e4m3fn": tensor.F8E4M3, "torch.float8_e5m2": tensor.F8E5M2, "torch.float8_e4m3fnuz": tensor.F8E4M3FNUZ,
	"torch.float8_e5m2fnuz": tensor.F8E5M2FNUZ,
	"torch.float8_e8m0fnu":  tensor.F8E8M0, "torch.uint16": tensor.U16, "torch.uint32": tensor.U32, "torch.uint64": tensor.U64,
}

const (
	tensorV1       = "torch._utils._rebuild_tensor"
	tensorV2       = "torch._utils._rebuild_tensor_v2"
	tensorV3       = "torch._utils._rebuild_tensor_v3"
	parameter      = "torch._utils._rebuild_parameter"
	parameterState = "torch._utils._rebuild_parameter_with_state"
	orderedDict    = "collections.OrderedDict"
	sizeOf         = "torch.Size"
	parameterDict  = "torch.nn.modules.container.ParameterDict"
)

// known reports whether a pickle may name a class or function.
func known(g global) bool {
	_, isType := dtypes[g]
	switch g {
	case tensorV1, tensorV2, tensorV3, parameter, parameterState, orderedDict, sizeOf, parameterDict:
		return true
	}
	return isType || inert[g]
}

// reduce returns the result of one of the few calls that are known here. Nothing is called.
func reduce(f any, args tuple) (any, error) {
	g, ok := f.(global)
	if !ok {
		return nil, fmt.Errorf("it calls a %T", f)
	}
	switch g {
	case tensorV1, tensorV2, tensorV3:
		return rebuild(g, args)
	case parameter, parameterState:
		if len(args) == 0 {
			return nil, fmt.Errorf("%s without a tensor", g)
		}
		return args[0], nil
	case orderedDict:
		d := new(dict)
		if len(args) > 0 {
			pairs, ok := args[0].(*list)
			if !ok {
				return nil, fmt.Errorf("%s of a %T", g, args[0])
			}
			for _, item := range pairs.items {
				key, value, ok := pair(item)
				if !ok {
					return nil, fmt.Errorf("%s of what is no pairs", g)
				}
				d.set(key, value)
			}
		}
		return d, nil
	case parameterDict:
		return new(dict), nil
	case sizeOf:
		if len(args) == 1 {
			return args[0], nil
		}
	}
	return opaque{}, nil
}

// pair returns the parts of a tuple or list of two.
func pair(v any) (a, b any, ok bool) {
	items, _ := v.(tuple)
	if l, ok := v.(*list); ok {
		items = l.items
	}
	if len(items) != 2 {
		return nil, nil, false
	}
	return items[0], items[1], true
}

// rebuild returns the tensor that a call of torch's would make.
func rebuild(g global, args tuple) (any, error) {
	least := map[global]int{tensorV1: 4, tensorV2: 6, tensorV3: 7}[g]
	if len(args) < least {
		return nil, fmt.Errorf("%s with %d arguments, want %d", g, len(args), least)
	}
	v := &view{}
	var ok bool
	if v.of, ok = args[0].(*storage); !ok {
		return nil, fmt.Errorf("%s of a %T, want a storage", g, args[0])
	}
	v.dtype = v.of.dtype
	if g == tensorV3 {
		name, _ := args[6].(global)
		if v.dtype, ok = dtypes[name]; !ok {
			return nil, fmt.Errorf("%s with the unknown type %v", g, args[6])
		}
	}
	if v.offset, ok = args[1].(int64); !ok || v.offset < 0 {
		return nil, fmt.Errorf("%s with the offset %v", g, args[1])
	}
	shape, ok := sizes(args[2])
	if !ok {
		return nil, fmt.Errorf("%s with a shape that is no list of sizes", g)
	}
	if v.strides, ok = sizes(args[3]); !ok || len(v.strides) != len(shape) {
		return nil, fmt.Errorf("%s with strides that do not fit its shape of %d axes", g, len(shape))
	}
	v.shape = shape
	return v, nil
}

// mostAxes is more than any tensor of a network has.
const mostAxes = 16

func sizes(v any) ([]int, bool) {
	t, ok := v.(tuple)
	if !ok || len(t) > mostAxes {
		return nil, false
	}
	var s []int
	for _, x := range t {
		n, ok := x.(int64)
		if !ok || n < 0 || n > math.MaxInt {
			return nil, false
		}
		s = append(s, int(n))
	}
	return s, true
}

// persistent returns the storage that a persistent id names: a tuple of the word "storage", the
// type, the key, where it was, and the number of elements.
func persistent(id any) (any, error) {
	t, ok := id.(tuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return nil, fmt.Errorf("a persistent id that names no storage")
	}
	class, _ := t[1].(global)
	dt, isType := dtypes[class]
	key, isKey := t[2].(string)
	n, isCount := t[4].(int64)
	if !isType || !isKey || !isCount || n < 0 || n > math.MaxInt64/16 {
		return nil, fmt.Errorf("a storage of type %v, key %v and %v elements", t[1], t[2], t[4])
	}
	if len(t) > 5 && t[5] != nil {
		return nil, fmt.Errorf("storage %.50s is a view of another: files of torch 0.1 are not read", key)
	}
	return &storage{key, dt, n * int64(dt.Size())}, nil
}
