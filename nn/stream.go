package nn

// Streaming says how Stream trades work for memory.
type Streaming struct {
	Bytes func(*Value) int // that a value takes in memory
	Limit int              // bytes: a convolution whose image, residual and result take more is made in parts
	Drop  float64          // share of a normalised image that is made again rather than kept, 0 to 1
}

const (
	mostParts = 64 // of an image
	partRows  = 8  // divide the rows of a part, for it to hold whole tiles of Winograd's algorithm
)

// Stream cuts large images into parts of some rows. Each part is a value with a
// lifetime of its own, and a convolution that makes or reads an image becomes
// one convolution for each part. A norm needs the moments of the whole image
// before any row can be used. Of the first rows, as many as Drop says, only the
// moments are kept until then, and each reader computes the rows again. Stream
// returns nil if no image has to be cut. Else it returns the program and, for
// each of its values by ID, the ID of the value of p that it is or is a part of
// (-1 for moments and what is made of them).
func Stream(p *Program, o Streaming) (*Program, []int) {
	cut := imagesToCut(p, o)
	if len(cut) == 0 {
		return nil, nil
	}
	s := streamer{images: cut, scales: make(map[*Node]*Value)}
	s.out = Program{Values: p.Values, Inputs: p.Inputs, Outputs: p.Outputs}
	for id := range p.Values {
		s.origin = append(s.origin, id)
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		for _, v := range n.In {
			if im := cut[v]; im != nil {
				im.readers = append(im.readers, n)
			}
		}
		if im := cut[n.Out]; im != nil {
			im.maker, im.whole = n, n.Out
		}
	}
	for _, im := range cut {
		im.divide(cut, o.Drop)
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		switch im := cut[n.Out]; {
		case im == nil && (len(n.In) == 0 || cut[n.In[0]] == nil):
			s.out.Nodes = append(s.out.Nodes, *n)
		case im == nil:
			s.emit(n, 0, n.Out.Dim(1), n.Out)
		case !im.lazy:
			s.sweep(im)
		}
	}
	return &s.out, s.origin
}

// image is one that is cut.
type image struct {
	whole   *Value
	maker   *Node
	readers []*Node
	rows    int      // of a part but the last
	parts   []*Value // that are at hand; others are to be made
	moments []*Value // by part, if a reader normalises the image
	groups  int      // of that norm, or 0
	dropped int      // parts, from the first, that are not kept
	lazy    bool     // made part by part as its readers go
}

func (im *image) divide(cut map[*Value]*image, drop float64) {
	h := im.whole.Dim(1)
	im.rows = (h + mostParts*partRows - 1) / (mostParts * partRows) * partRows
	im.parts = make([]*Value, (h+im.rows-1)/im.rows)
	keep := residualOf(im.maker) != nil // a residual's memory is taken over
	for _, r := range im.readers {
		if norm := normOf(r.Op); norm != nil && r.In[0] == im.whole {
			im.groups = norm.Groups
		}
		keep = keep || cut[r.Out] == nil
	}
	if im.groups == 0 {
		im.lazy = Shrinks(im.maker) && cut[im.maker.In[0]] != nil
		return
	}
	im.moments = make([]*Value, len(im.parts))
	if !keep {
		im.dropped = int(drop*float64(len(im.parts)) + 0.5)
	}
}

// span returns the rows of a part.
func (im *image) span(i int) (from, to int) {
	return i * im.rows, min((i+1)*im.rows, im.whole.Dim(1))
}
