package strictjson

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
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

// TestOrder: the same object has the same faults in the same order: of fields as
// they are declared, then unknown ones by name.
func TestOrder(t *testing.T) {
	for range 20 {
		var fields []string
		for _, f := range Decode([]byte(`{"y":1,"on":3,"zz":0,"x":2,"n":"","a":{},"inner":7}`), &outer{}) {
			fields = append(fields, f.Field)
		}
		require.Equal(t, []string{"n", "inner", "on", "a", "x", "y", "zz"}, fields)
	}
}

func TestBounds(t *testing.T) {
	nested := func(depth int) string {
		return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	many := func(values int) string { return `{"pair":[` + strings.Repeat("1,", values-3) + "1]}" }
	for body, message := range map[string]string{
		nested(maxDepth):     "is unknown",
		nested(maxDepth + 1): "has objects and lists 33 deep, want at most 32",
		many(maxValues):      "",
		many(maxValues + 1):  "has over 10000 values, want fewer",
		`{"n":1,"pair":["` + strings.Repeat("[{,:", 20000) + `"]}`: "want a whole number", // a string of any length is one value
		`{"pair":["\\"` + strings.Repeat(",1", maxValues) + `]}`:   "has over 10000 values",
		`{"pair":["\"` + strings.Repeat(",1", maxValues) + `"]}`:   "want a whole number",
		"\uFEFF" + `{"n":1}`: "",
	} {
		faults := Decode([]byte(body), &outer{})
		if message == "" {
			require.Empty(t, faults, "%.40s", body)
			continue
		}
		require.Len(t, faults, 1, "%.40s", body)
		require.Contains(t, faults[0].Message, message)
	}
}

// TestManyFaults: the first are named, and how many more there are.
func TestManyFaults(t *testing.T) {
	for n, more := range map[int]string{maxFaults: "", maxFaults + 1: "has 1 more faults", 3000: "has 2980 more faults"} {
		var fields []string
		for i := range n {
			fields = append(fields, fmt.Sprintf(`"f%04d":1`, i))
		}
		faults := Decode([]byte("{"+strings.Join(fields, ",")+"}"), &outer{})
		require.Equal(t, "f0000", faults[0].Field)
		if more == "" {
			require.Len(t, faults, n)
			continue
		}
		require.Len(t, faults, maxFaults+1)
		require.Equal(t, Fault{"body", more}, faults[maxFaults])
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"n":3,"items":[{"text":"a"},{"weight":-1.5}],"inner":{"text":"b"},"bytes":"aGk=","on":true,"pair":[1,2]}`, `{"a":1,"b":{"c":[[[]]]}}`, "\uFEFF{}", "[", `{"\u0000":"\\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded.Check(t, len(data), bounded.Text, func() {
			size := 0
			for _, fault := range Decode(data, new(outer)) {
				require.NotEmpty(t, fault.Field)
				size += len(fault.Field) + len(fault.Message)
			}
			require.Less(t, size, 16<<10)
		})
	})
}
