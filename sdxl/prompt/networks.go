package prompt

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Network is a tag of the web UI that asks for a LoRA: <lora:NAME:TEXT:UNET>, where the
// strength in the UNet is that in the text encoders unless it is given, and this is 1.
type Network struct {
	Name       string
	Text, UNet float64
}

var tag = regexp.MustCompile(`<(\w+):([^>]+)>`)

// Networks takes the tags of networks out of a text in the web UI's language.
func (s Syntax) Networks(text string) (rest string, list []Network, err error) {
	if s != A1111 || !strings.Contains(text, "<") {
		return text, nil, nil
	}
	rest = tag.ReplaceAllStringFunc(text, func(t string) string {
		m := tag.FindStringSubmatch(t)
		if m[1] != "lora" && m[1] != "lyco" {
			if err == nil {
				err = fmt.Errorf("%s: easel knows <lora:...> and <lyco:...>", t)
			}
			return t
		}
		n, fault := network(m[2])
		if fault != nil && err == nil {
			err = fmt.Errorf("%s: %w", t, fault)
		}
		list = append(list, n)
		return ""
	})
	return rest, list, err
}

// network reads the arguments of a tag, which are by place or by name.
func network(text string) (n Network, err error) {
	n.Text = 1
	var unet *float64
	place := 0
	for i, arg := range strings.Split(text, ":") {
		if i == 0 {
			n.Name = arg
			continue
		}
		name, value, named := strings.Cut(arg, "=")
		if !named {
			if place > 1 {
				return n, fmt.Errorf("%q is one argument too many", arg)
			}
			name, value = [2]string{"te", "unet"}[place], arg
			place++
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || v-v != 0 {
			return n, fmt.Errorf("%q is no number", value)
		}
		switch strings.TrimSpace(name) {
		case "te":
			n.Text = v
		case "unet":
			unet = &v
		default:
			return n, fmt.Errorf("there is no argument %q; there are te and unet", name)
		}
	}
	n.UNet = n.Text
	if unet != nil {
		n.UNet = *unet
	}
	return n, nil
}
