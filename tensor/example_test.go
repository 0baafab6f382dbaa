package tensor_test

import (
	"fmt"

	"github.com/df65613c/easel/tensor"
)

func Example() {
	a, err := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		panic(err)
	}
	mean, err := tensor.Mean(a, true, -1)
	if err != nil {
		panic(err)
	}
	centred, err := tensor.Sub(a, mean) // [2 3] - [2 1]
	if err != nil {
		panic(err)
	}
	fmt.Println(centred)
	// Output:
	// [[-1.  0.  1.]
	//  [-1.  0.  1.]]
}

func ExampleMatMul() {
	a, _ := tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2)
	t, _ := a.Transpose(0, 1) // a view: nothing is copied
	p, err := tensor.MatMul(a, t)
	fmt.Println(p, err)

	_, err = tensor.MatMul(a, tensor.New(tensor.F32, 3, 2))
	fmt.Println(err)
	// Output:
	// [[ 5. 11.]
	//  [11. 25.]] <nil>
	// tensor: MatMul of shapes [2 2] and [3 2]
}

func ExampleTensor_Slice() {
	v, _ := tensor.Arange(tensor.I32, 0, 12, 1)
	m, _ := v.Reshape(3, 4)
	columns, _ := m.Slice(1, 1, 4, 2)
	seven, _ := tensor.Scalar(tensor.I32, 7)
	_ = tensor.Copy(columns, seven) // writes through to m
	fmt.Println(m)
	// Output:
	// [[ 0  7  2  7]
	//  [ 4  7  6  7]
	//  [ 8  7 10  7]]
}

func ExampleTensor_All() {
	v, _ := tensor.FromSlice([]float32{0.5, 2, 8}, 3, 1)
	for index, x := range v.All() {
		fmt.Println(index, x)
	}
	// Output:
	// [0 0] 0.5
	// [1 0] 2
	// [2 0] 8
}

func ExampleTensor_Convert() {
	v, _ := tensor.FromSlice([]float32{1.1, -1.7, 300}, 3)
	half, _ := v.Convert(tensor.BF16)
	bytes, _ := v.Convert(tensor.U8)
	fmt.Printf("%v\n%v\n", half, bytes)
	// Output:
	// [  1.1016  -1.7031 300.    ]
	// [  1   0 255]
}

func ExampleTensor_Format() {
	v, _ := tensor.Linspace(tensor.F64, 0, 1, 4)
	fmt.Printf("%.2v\n%+v\n", v, v)
	// Output:
	// [0.   0.33 0.67 1.  ]
	// F64[4] [0.     0.3333 0.6667 1.    ]
}
