package main

import (
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
)

func newTxt2Img() *cobra.Command {
	var f pictureFlags
	cmd := &cobra.Command{
		Use:     "txt2img -m MODEL -p TEXT -o FILE.png",
		Short:   "Make a picture from a text",
		Args:    cobra.NoArgs,
		Example: `  easel txt2img -m model -p "a red circle above a blue square" --steps 20 --seed 7 -o out.png`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd, func(*sdxl.Options) error { return nil })
		},
	}
	f.add(cmd)
	return cmd
}
