package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// maxRequestBytes bounds a request read from standard input.
const maxRequestBytes = 64 << 20

func newPredict() *cobra.Command {
	var model modelFlags
	var styles stylesFlag
	var memory bytesFlag
	var adapters adapterFlags
	cmd := &cobra.Command{
		Use:   "predict < request.json > response.json",
		Short: "Answer a request in the JSON of Stability's v1 API",
		Long: `Answer a request in the JSON of Stability's v1 API: read it from standard input, write the pictures,
base64 in JSON, to standard output. docs/api.md lists the fields.`,
		Args:    cobra.NoArgs,
		Example: `  echo '{"text_prompts":[{"text":"a red circle"}],"steps":20,"seed":42}' | easel predict > response.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxRequestBytes+1))
			if err != nil {
				return err
			}
			if len(data) > maxRequestBytes {
				return fmt.Errorf("request: more than %d bytes", maxRequestBytes)
			}
			q, err := request.Parse(data)
			if err == nil {
				err = q.Validate(request.Limits{})
			}
			if err != nil {
				return fmt.Errorf("request: %w", err)
			}
			pipe, closePipe, err := model.pipeline(cmd, sdxl.AllParts,
				sdxl.PipelineOptions{Memory: memory.n, Keep: -1, Adapters: &adapters.library, Embeddings: &adapters.words})
			if err != nil {
				return err
			}
			defer closePipe()
			var bar progress
			response, err := request.Predict(cmd.Context(), pipe, q, request.Options{
				Styles: styles.Styles,
				Progress: func(_ int, p sdxl.Progress) {
					if p.Step == 1 {
						bar = newProgress(cmd.ErrOrStderr())
					}
					if bar.step(p); p.Step == p.Steps {
						bar.end()
					}
				},
			})
			if err != nil {
				return fmt.Errorf("request: %w", err)
			}
			for _, w := range response.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(response)
		},
	}
	model.add(cmd)
	adapters.addDir(cmd)
	model.dtype.add(cmd)
	model.device.add(cmd)
	cmd.Flags().Var(&memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
	cmd.Flags().Var(&styles, "styles", "JSON file of style presets (default: those in the program)")
	return cmd
}

// stylesFlag is a flag that names a file of styles.
type stylesFlag struct {
	path string
	request.Styles
}

func (f *stylesFlag) String() string { return f.path }

func (f *stylesFlag) orDefault() request.Styles {
	if f.Styles == nil {
		return request.DefaultStyles()
	}
	return f.Styles
}

func (f *stylesFlag) Type() string { return "FILE" }

func (f *stylesFlag) Set(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	f.path = path
	f.Styles, err = request.ReadStyles(r)
	return err
}
