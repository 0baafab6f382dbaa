package pass

import (
	"fmt"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// compile adds the passes of the node.
func (c *compiler) compile() error {
	n := c.node
	switch op := n.Op.(type) {
	case nn.Linear:
		return c.linear(n, op)
	case nn.Conv2D:
		return c.conv(newConvolution(n, op))
	case nn.UpsampleConv2D:
		return c.conv(newUpsampled(n, op))
	case nn.GroupNorm:
		return c.groupNorm(n, op)
	case nn.GroupMoments:
		x := n.In[0]
		c.moments(c.all(x), c.raw(n.Out), image{1, x.Dim(1) * x.Dim(2), x.Dim(3)}, op.Groups, x.Dim(2))
	case nn.GroupScale:
		return c.groupScale(n, op)
	case nn.LayerNorm:
		return c.layerNorm(n, op)
	case nn.Attention:
		c.attention(n, op)
	case nn.AttentionReceived:
		c.attentionReceived(n, op)
	case nn.GEGLU:
		c.geglu(n)
	case nn.Activate:
		c.elementwise(n, kernel.Activate, op.Act, 0, 0)
	case nn.Add:
		c.add(n)
	case nn.Mul:
		c.elementwise(n, kernel.Mul, 0, 0, 0)
	case nn.Affine:
		c.elementwise(n, kernel.Affine, 0, op.Scale, op.Shift)
	case nn.Concat:
		return c.concat(n, op)
	case nn.Slice:
		return c.slice(n, op)
	case nn.Transpose:
		return c.transpose(n, op)
	case nn.Upsample:
		return c.upsample(n, op)
	case nn.Cast:
		if n.In[0].DType() != n.Out.DType() {
			return fmt.Errorf("no conversion of %s to %s", n.In[0].DType(), n.Out.DType())
		}
		return c.move(copying(c.all(n.In[0]), c.all(n.Out)))
	case nn.FourierFilter:
		return c.fourierFilter(n, op)
	case nn.Embedding:
		return c.embedding(n, op)
	case nn.Parameter:
		return c.parameter(n, op)
	case nn.TimestepEmbedding:
		c.timestepEmbedding(n, op)
	case nn.TokenRow:
		c.tokenRow(n, op)
	default:
		return fmt.Errorf("the GPU backend has no such operation")
	}
	return nil
}
