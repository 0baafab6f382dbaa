package sdxl

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Size is a width and a height in pixels; in JSON [width,height].
type Size struct{ Width, Height int }

// String returns the size as 1024x768.
func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// MarshalJSON implements json.Marshaler.
func (s Size) MarshalJSON() ([]byte, error) { return json.Marshal([2]int{s.Width, s.Height}) }

// UnmarshalJSON reads [width,height], or an object of both as older files have it.
func (s *Size) UnmarshalJSON(data []byte) error {
	type object Size
	return twoNumbers(data, (*object)(s), &s.Width, &s.Height)
}

// Corner is a place in a picture in pixels, from the top left; in JSON [x,y].
type Corner struct{ X, Y int }

// MarshalJSON implements json.Marshaler.
func (c Corner) MarshalJSON() ([]byte, error) { return json.Marshal([2]int{c.X, c.Y}) }

// UnmarshalJSON reads [x,y], or an object of both as older files have it.
func (c *Corner) UnmarshalJSON(data []byte) error {
	type object Corner
	return twoNumbers(data, (*object)(c), &c.X, &c.Y)
}

// twoNumbers reads two whole numbers from a list or from an object.
func twoNumbers(data []byte, object any, a, b *int) error {
	var list []int
	if json.Unmarshal(data, &list) == nil && len(list) == 2 {
		*a, *b = list[0], list[1]
		return nil
	}
	if len(data) > 0 && data[0] == '{' && json.Unmarshal(data, object) == nil {
		return nil
	}
	return errors.New("want two whole numbers, such as [1024,768]")
}
