package cpu

import "github.com/df65613c/easel/nn"

// upsampleConv convolves a doubled image, of which there is never more than a
// band of rows in memory.
func (c *compiler) upsampleConv(index int, n *nn.Node, op nn.UpsampleConv2D) error {
	plain := nn.Conv2D{Weight: op.Weight, Bias: op.Bias, Stride: 1, Pad: nn.Pad(1)}
	k, err := c.kernel(plain.Weight, plain.Bias, plain.Stride, plain.Pad)
	if err != nil {
		return err
	}
	v := convolution{compiler: c, kernel: k, node: n, op: plain, factor: 2, window: windowOf(n, op.Window())}
	return v.prepared(index)
}
