package profile

import "time"

// Took returns how long all passes of one kind of operation took, such as
// "Linear".
func (p *Profile) Took(op string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum time.Duration
	for _, e := range p.events {
		if e.op == op {
			sum += e.took
		}
	}
	return sum
}
