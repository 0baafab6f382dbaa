package strictjson

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type item struct {
	Text   string   `json:"text"`
	Weight *float64 `json:"weight,omitempty"`
}

type outer struct {
	N     *int   `json:"n"`
	Items []item `json:"items"`
	Inner *item  `json:"inner"`
	Bytes []byte `json:"bytes"`
	On    bool   `json:"on"`
	Pair  []int  `json:"pair"`
}

func TestDecode(t *testing.T) {
	var v outer
	require.Empty(t, Decode([]byte(`{"n":3,"items":[{"text":"a"},{"weight":-1.5}],"inner":{"text":"b"},"bytes":"aGk=","on":true,"pair":[1,2]}`), &v))
	require.Equal(t, outer{N: new(3), Items: []item{{Text: "a"}, {Weight: new(-1.5)}}, Inner: &item{Text: "b"}, Bytes: []byte("hi"), On: true, Pair: []int{1, 2}}, v)
	v = outer{}
	require.Empty(t, Decode([]byte(`{"n":null,"items":null,"inner":null}`), &v))
	require.Equal(t, outer{}, v)
}

func TestEveryFaultIsNamed(t *testing.T) {
	var v outer
	faults := Decode([]byte(`{"n":1.5,"items":[{"text":1},{"wait":2},null,3],"inner":[],"bytes":"*","on":"yes","pair":"x","N":1,"zz":0}`), &v)
	fields := map[string]string{}
	for _, f := range faults {
		fields[f.Field] = f.Message
	}
	require.Equal(t, map[string]string{
		"n":             "is 1.5, want a whole number",
		"items[0].text": "is 1, want a string",
		"items[1].wait": "is unknown; there are text, weight",
		"items[2]":      "is null, want an object",
		"items[3]":      "is 3, want a JSON object",
		"inner":         "is [], want a JSON object",
		"bytes":         `is "*", want base64`,
		"on":            `is "yes", want true or false`,
		"pair":          `is "x", want a list`,
		"N":             "is unknown; there are n, items, inner, bytes, on, pair",
		"zz":            "is unknown; there are n, items, inner, bytes, on, pair",
	}, fields)
}

func TestBodyIsNoObject(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "3", `{"n":`, `{"n":1} x`, "\xff"} {
		faults := Decode([]byte(body), &outer{})
		require.Len(t, faults, 1, "%q", body)
		require.Equal(t, "body", faults[0].Field)
	}
}

func TestFaultsStayShort(t *testing.T) {
	faults := Decode([]byte(`{"pair":[`+strings.Repeat(`"x",`, 100000)+`1],"`+strings.Repeat("k", 1000)+`":1}`), &outer{})
	require.Less(t, len(faults), 30)
	for _, f := range faults {
		require.Less(t, len(f.Field)+len(f.Message), 200)
	}
}
