//go:build !amd64 && !arm64

package winograd

func (p *Plan) vectors(k kind, t *planes) { t.generic(k) }
