package prompt

import (
	"regexp"
	"strconv"
)

// Clause is one of several texts that a picture follows at once, each with the
// weight of its guidance (Liu et al. 2022, "Compositional visual generation
// with composable diffusion models").
type Clause struct {
	Text   string
	Weight float64
}

var weightPattern = regexp.MustCompile(`(?s)^(.*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$`)

// Clauses splits a text at the word AND; a number after a colon at the end of
// a clause is its weight, also where there is only one. In the other languages
// than a1111 a text is a single clause.
func (s Syntax) Clauses(text string) []Clause {
	if s != A1111 {
		return []Clause{{text, 1}}
	}
	var clauses []Clause
	for _, part := range splitAt(text, "AND") {
		c := Clause{part, 1}
		if m := weightPattern.FindStringSubmatch(part); m != nil {
			c.Text = m[1]
			if w, err := strconv.ParseFloat(m[2], 64); err == nil {
				c.Weight = w
			}
		}
		clauses = append(clauses, c)
	}
	return clauses
}
