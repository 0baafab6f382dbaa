package nn

// WeightOf returns the name of the weight of an operation, or "" if it has
// none.
func WeightOf(op Op) string {
	var w *Weight
	switch op := op.(type) {
	case Linear:
		w = op.Weight
	case Conv2D:
		w = op.Weight
	case UpsampleConv2D:
		w = op.Weight
	case GroupNorm:
		w = op.Scale
	case LayerNorm:
		w = op.Scale
	case Embedding:
		w = op.Table
	case Parameter:
		w = op.Weight
	}
	if w == nil {
		return ""
	}
	return w.Name
}
