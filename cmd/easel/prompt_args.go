package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// maxPromptInput bounds what is read of a prompt on standard input, in bytes.
const maxPromptInput = 1 << 20

// readPrompt returns the prompt of a command: its argument, or what -p gave;
// "-" is standard input. given tells if other flags hold prompts.
func readPrompt(cmd *cobra.Command, args []string, flag string, given bool) (string, error) {
	text := flag
	switch {
	case len(args) == 1 && cmd.Flags().Changed("prompt"):
		return "", errors.New("the prompt is given twice, as an argument and with -p; want one")
	case len(args) == 1:
		text = args[0]
	case !cmd.Flags().Changed("prompt"):
		if given {
			return "", nil
		}
		return "", fmt.Errorf("no prompt: give one as an argument, such as easel %s %q, or with -p", cmd.Name(), "a red circle")
	}
	if text != "-" {
		return text, nil
	}
	data, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxPromptInput+1))
	if err != nil {
		return "", fmt.Errorf("prompt on standard input: %w", err)
	}
	if len(data) > maxPromptInput {
		return "", fmt.Errorf("the prompt on standard input is over %d bytes", maxPromptInput)
	}
	text = strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", errors.New("standard input has no prompt")
	}
	return text, nil
}
