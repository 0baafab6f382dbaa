package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/hubcache"
	"github.com/df65613c/easel/internal/hubpull"
)

const hub = "https://huggingface.co"

func newPull() *cobra.Command {
	var revision, variant string
	cmd := &cobra.Command{
		Use:   "pull ORG/NAME[/FILE]",
		Short: "Download a model from the Hugging Face hub into its cache on this machine",
		Long: `Download a model from the Hugging Face hub into its cache on this machine, where -m ORG/NAME finds
it, and Hugging Face's programs do too. Only the files that easel reads are downloaded: for a
diffusers folder the fp16 variant if there is one, otherwise the plain files. An interrupted
download is resumed, and each file is checked against its checksum.

For a model that needs an account, the token comes from HF_TOKEN or from "hf auth login".
HF_ENDPOINT names another hub, HF_HUB_CACHE and HF_HOME another place for the cache. No other
command of easel downloads anything.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if v := os.Getenv("HF_HUB_OFFLINE"); v != "" && v != "0" {
				return errors.New("HF_HUB_OFFLINE is set: nothing is downloaded")
			}
			cache, err := hubcache.Folder()
			if err != nil {
				return err
			}
			client := hubpull.New(cmp.Or(os.Getenv("HF_ENDPOINT"), hub), hubcache.Token(), cache, func(format string, args ...any) {
				fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
			})
			path, err := client.Pull(cmd.Context(), args[0], revision, variant)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			return err
		},
	}
	cmd.Flags().StringVar(&revision, "revision", "", "branch, tag or commit (default main)")
	cmd.Flags().StringVar(&variant, "variant", "",
		"variant of a folder's files, such as fp16; a part without it gives its plain files")
	return cmd
}
