package attn

func currentSoftmax() softmax { return genericSoftmax }
