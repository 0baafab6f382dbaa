package sched

import (
	"encoding/json"
	"errors"
)

// UnmarshalJSON reads an object, or a number for Amount alone.
func (c *Churn) UnmarshalJSON(data []byte) error {
	var amount float64
	if json.Unmarshal(data, &amount) == nil {
		*c = Churn{Amount: amount}
		return nil
	}
	type object Churn
	if json.Unmarshal(data, (*object)(c)) != nil {
		return errors.New(`want a number, or an object such as {"amount":10,"min":0.05,"max":50}`)
	}
	return nil
}
