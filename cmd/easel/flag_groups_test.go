package main

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// TestEveryFlagOfPicturesIsInAGroup: and no group names one that is not there.
func TestEveryFlagOfPicturesIsInAGroup(t *testing.T) {
	cmd := newImg2Img() // which has all of txt2img's
	group := make(map[string]string)
	for _, g := range pictureGroups {
		for _, name := range g.flags {
			require.Empty(t, group[name], "--%s is in two groups", name)
			require.NotNil(t, cmd.Flags().Lookup(name), "--%s of group %s", name, g.title)
			group[name] = g.title
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { require.NotEmpty(t, group[f.Name], "--%s is in no group", f.Name) })
	newTxt2Img().Flags().VisitAll(func(f *pflag.Flag) { require.NotEmpty(t, group[f.Name], "--%s is in no group", f.Name) })
}

func TestHelpShowsGroups(t *testing.T) {
	out, _ := ok(t, "", "txt2img", "--help")
	for _, want := range []string{"Usage:\n  easel txt2img", "\nPrompt:\n  -p, --prompt", "\nGuidance:\n      --cfg", "\nOutput:\n  -o, --output", "\nOther:\n  -h, --help"} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "Picture to start from")
}
