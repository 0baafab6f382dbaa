package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

// basePreset names the networks that adapters are fitted to where no model is given.
const basePreset = "sdxl-base"

// inspectAdapter prints what an adapter is and where each of its modules goes: in a
// model, or in networks of Stable Diffusion XL's sizes.
func inspectAdapter(w io.Writer, f *adapt.File, model string, opts sdxl.OpenOptions, asJSON, all bool) error {
	m, err := adapterModel(model, opts)
	if err != nil {
		return err
	}
	defer m.Close()
	list, err := m.AdapterTargets()
	if err != nil {
		return err
	}
	info := f.Info()
	fit, fault := f.Fit(adapt.NewTargets(list))
	if fault == nil {
		info = fit.Info()
		if !opts.AllowUnused {
			fault = fit.Err()
		}
	}
	if asJSON {
		err = json.NewEncoder(w).Encode(info)
	} else {
		err = printAdapter(w, &info, all)
	}
	if err != nil {
		return err
	}
	return fault
}

func adapterModel(path string, opts sdxl.OpenOptions) (*sdxl.Model, error) {
	if path != "" {
		opts.Parts = sdxl.UNetPart | sdxl.TextParts
		return openModel(path, opts)
	}
	a, err := mkmodel.Architecture(basePreset)
	if err != nil {
		return nil, err
	}
	return a.Networks()
}

func printAdapter(w io.Writer, i *adapt.Info, all bool) error {
	lines := [][2]string{
		{"adapter", i.Name}, {"title", i.Title}, {"base", i.Base}, {"family", i.Family}, {"method", i.Trained}, {"trigger", i.Trigger},
		{"tags", strings.Join(i.Tags, ", ")}, {"inversions", strings.Join(i.Inverted, ", ")},
	}
	for _, k := range i.Kinds {
		lines = append(lines, [2]string{"changes", k.String()})
	}
	for _, name := range i.Unused {
		lines = append(lines, [2]string{"unused", name})
	}
	if all {
		for _, p := range i.Places {
			lines = append(lines, [2]string{"mapped", fmt.Sprintf("%s/%s <- %s", p.Component, p.Weight, p.Module)})
		}
	}
	for _, l := range lines {
		if l[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-10s %s\n", l[0], l[1]); err != nil {
			return err
		}
	}
	return nil
}
