package sched

// Until returns the schedule without its last steps, which are the share skip
// of all. The last step that remains ends at the last level of the schedule.
func (s *Schedule) Until(skip float64) *Schedule {
	n := len(s.Timesteps) - int(float64(s.steps)*skip)
	if n >= len(s.Timesteps) || n < 1 {
		return s
	}
	t := *s
	t.Sigmas = append(s.Sigmas[:n:n], s.Sigmas[len(s.Sigmas)-1])
	t.Timesteps = s.Timesteps[:n]
	t.Sampler = s.anywhere // without corrections for the last level
	return &t
}
