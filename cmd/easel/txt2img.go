package main

import (
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
)

func newTxt2Img() *cobra.Command {
	var f pictureFlags
	cmd := &cobra.Command{
		Use:   "txt2img [PROMPT] -m MODEL -o FILE",
		Short: "Make a picture from a text",
		Args:  cobra.MaximumNArgs(1),
		Example: `  easel txt2img "a red circle above a blue square" --steps 20 --seed 7 -o out.png
  echo "a star" | easel txt2img -m MODEL -p - -o out.webp`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args, func(*sdxl.Options) error { return nil })
		},
	}
	f.add(cmd)
	return cmd
}
