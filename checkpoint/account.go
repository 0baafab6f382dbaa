package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/df65613c/easel/safetensors"
)

// Account tells how the tensors of a model's files and the parameters of its
// networks match.
type Account struct {
	Component string    `json:"component"`
	File      string    `json:"file"`
	Mapped    []Mapping `json:"mapped"`
	Missing   []string  `json:"missing"`   // parameters that the file lacks, by the reference's names
	Unused    []string  `json:"unused"`    // tensors of the file that nothing uses
	Misshapen []string  `json:"misshapen"` // faults of tensors whose shapes or scales do not fit
	Stored    []Stored  `json:"stored"`    // the mapped tensors, by type
}

// Stored counts the tensors of one type.
type Stored struct {
	DType   string `json:"dtype"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

// Mapping is a tensor of a file and the parameters that are read from it.
type Mapping struct {
	Key        string   `json:"key"`
	Parameters []string `json:"parameters"`
}

// namesShown is how many names an error lists before it only counts.
const namesShown = 8

// Err returns an error that names what is missing, misshapen or unused, or nil.
func (a *Account) Err(allowMissing, allowUnused bool) error {
	var errs []error
	list := func(names []string, what string) {
		if len(names) == 0 {
			return
		}
		shown := names[:min(len(names), namesShown)]
		more := ""
		if n := len(names) - len(shown); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		errs = append(errs, fmt.Errorf("%s: %s: %d %s: %s%s", a.File, a.Component, len(names), what, strings.Join(shown, ", "), more))
	}
	if !allowMissing {
		list(a.Missing, "parameters are missing")
	}
	if !allowUnused {
		list(a.Unused, "tensors are unused (AllowUnused, --allow-unused of the command, opens the model without them)")
	}
	for _, fault := range a.Misshapen[:min(len(a.Misshapen), namesShown)] {
		errs = append(errs, errors.New(fault))
	}
	return errors.Join(errs...)
}

// Account compares what the network asked for with what its file holds.
func (p *Weights) Account() Account {
	a := Account{Component: p.component, File: p.file.Name()}
	a.Missing = slices.Sorted(maps.Keys(p.missing))
	for _, key := range p.file.Names() {
		if p.owned(key) && p.used[key] == nil {
			a.Unused = append(a.Unused, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.used)) {
		a.Mapped = append(a.Mapped, Mapping{key, p.used[key]})
		info, _ := p.file.Info(key)
		a.count(info)
	}
	for _, name := range slices.Sorted(maps.Keys(p.faults)) {
		a.Misshapen = append(a.Misshapen, p.faults[name].Error())
	}
	return a
}

func (a *Account) count(info safetensors.Info) {
	name := info.DType.String()
	i := slices.IndexFunc(a.Stored, func(s Stored) bool { return s.DType == name })
	if i < 0 {
		i = len(a.Stored)
		a.Stored = append(a.Stored, Stored{DType: name})
	}
	a.Stored[i].Tensors++
	a.Stored[i].Bytes += info.Size
}
