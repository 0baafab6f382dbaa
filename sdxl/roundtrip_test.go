package sdxl_test

import (
	"bytes"
	"encoding/json"
	"image"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// fill sets every field below v to something that is not its zero value, and
// unlike what other fields have.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(strings.Repeat("t", 1+*n%7) + "\n\u00e9")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(1000 + *n))
	case reflect.Float64, reflect.Float32:
		v.SetFloat(float64(*n) + 0.25)
	}
}

// TestEveryOptionIsKept: each field of Options that has a name in files is there
// alone and with all others, as JSON and in the file of a picture.
func TestEveryOptionIsKept(t *testing.T) {
	var all sdxl.Options
	n := 0
	fill(reflect.ValueOf(&all).Elem(), &n)
	require.Greater(t, n, 60)
	keep := func(o sdxl.Options, what string) {
		text, err := json.Marshal(o)
		require.NoError(t, err, what)
		var read sdxl.Options
		require.NoError(t, json.Unmarshal(text, &read), "%s: %s", what, text)
		require.Equal(t, o, read, what)
		var file bytes.Buffer
		require.NoError(t, request.EncodePNG(&file, image.NewNRGBA(image.Rect(0, 0, 1, 1)), o), what)
		kept, err := request.DecodeParameters(&file)
		require.NoError(t, err, what)
		if o.Sigmas != nil {
			o.Steps = nil // which they say
		}
		require.Equal(t, o, *kept, what)
	}
	keep(all, "all")
	names := make(map[string]bool)
	var each func(at reflect.Type, index []int)
	each = func(at reflect.Type, index []int) {
		for i := range at.NumField() {
			f := at.Field(i)
			if f.Tag.Get("json") == "-" {
				continue
			}
			here := append(slices.Clone(index), i)
			if f.Anonymous {
				each(f.Type, here)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			require.NotEmpty(t, name, "%s has no name in files", f.Name)
			require.False(t, names[name], "%s is the name of two", name)
			names[name] = true
			var one sdxl.Options
			reflect.ValueOf(&one).Elem().FieldByIndex(here).Set(reflect.ValueOf(all).FieldByIndex(here))
			text, err := json.Marshal(one)
			require.NoError(t, err)
			require.Contains(t, string(text), `"`+name+`":`)
			keep(one, name)
		}
	}
	each(reflect.TypeFor[sdxl.Options](), nil)
	require.GreaterOrEqual(t, len(names), 40)
}
