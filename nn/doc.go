// Package nn describes neural networks as graphs and prepares them for a backend.
//
// A model records its graph once for the shapes of a request. Compile lowers it
// to the operations that the backend has, and the backend plans memory and
// returns an Executable, which then runs any number of times without allocating:
//
//	g, err := nn.Record(func(g *nn.Graph) {
//		x := g.Input("x", tensor.F32, 1, 64)
//		g.Output("y", g.Linear(x, nn.Linear{Weight: w, Bias: b, Act: nn.SiLU}))
//	})
//	exe, err := nn.Compile(ctx, backend, g, nn.CompileOptions{})
//	err = exe.Run(ctx, nn.Tensors(y), nn.Tensors(x))
//
// The package holds no arithmetic: nn/cpu and the gpu packages do. Images are
// NHWC inside a graph, so that a token and a pixel are the same row; Transpose
// at the edges gives the NCHW of the reference.
package nn
