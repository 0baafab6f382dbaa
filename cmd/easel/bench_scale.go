package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/report"
)

func newBenchScale() *cobra.Command {
	var model modelFlags
	var flags arithmeticFlags
	var out outputFlags
	var sizes []int
	var batch int
	var runs runFlags
	cmd := &cobra.Command{
		Use:       "scale [unet|vae]",
		Short:     "Measure a network at many sizes: seconds against pixels",
		ValidArgs: []string{"unet", "vae"},
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			name := "unet"
			if len(args) > 0 {
				name = args[0]
			}
			var at []networkFlags
			for _, size := range sizes {
				at = append(at, networkFlags{size, batch})
			}
			r, err := measureNetworks(cmd, name, &model, &flags, at, runs)
			if err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), r, r.table, func(w io.Writer, format string) error {
				var costs []report.Cost
				for _, n := range r.Networks {
					costs = append(costs, report.Cost{Pixels: float64(n.Width * n.Height), Seconds: n.Median, FLOPs: n.FLOPs})
				}
				return report.WriteScale(w, format, name+", "+r.Backend, r.Peak, costs)
			})
		},
	}
	model.add(cmd)
	flags.add(cmd)
	out.addJSON(cmd)
	out.addPlot(cmd)
	cmd.Flags().IntSliceVar(&sizes, "sizes", []int{256, 512, 768, 1024, 1536, 2048}, "widths and heights in pixels")
	cmd.Flags().IntVar(&batch, "batch", 0, "pictures at once (default: 2 for the UNet as with guidance, 1 for the VAE)")
	runs.add(cmd, 1)
	return cmd
}
