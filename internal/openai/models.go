package openai

import "time"

// Models is a list of models.
type Models struct {
	Object string  `json:"object"`
	Data   []Model `json:"data"`
}

// Model is an entry of a list of models.
type Model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix time
	OwnedBy string `json:"owned_by"`
}

// NewModel returns the entry of a model that is served since a time.
func NewModel(id string, since time.Time) Model {
	return Model{id, "model", since.Unix(), "easel"}
}

// NewModels returns the list of models that are served since a time.
func NewModels(ids []string, since time.Time) Models {
	list := make([]Model, len(ids))
	for i, id := range ids {
		list[i] = NewModel(id, since)
	}
	return Models{"list", list}
}
