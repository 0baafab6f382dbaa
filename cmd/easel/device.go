package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/nn"
	nncpu "github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/profile"
)

const (
	onCPU      = "cpu"
	anyDevice  = "auto"
	deviceName = "device"
)

var deviceIDs = regexp.MustCompile(`^(cpu|auto|(vulkan|cuda)(:[0-9]{1,3})?)$`)

// deviceFlag is --device of the commands that compute.
type deviceFlag struct{ id string }

func (f *deviceFlag) String() string { return f.id }

func (f *deviceFlag) Type() string { return "DEVICE" }

func (f *deviceFlag) Set(s string) error {
	if !deviceIDs.MatchString(s) {
		return fmt.Errorf("want cpu, vulkan, cuda, a number such as vulkan:1, or auto; easel devices lists them")
	}
	f.id = s
	return nil
}

func (f *deviceFlag) add(cmd *cobra.Command) {
	f.id = onCPU
	cmd.Flags().Var(f, deviceName,
		"where networks run: cpu, vulkan or cuda, such as vulkan:1 for the second device, or auto for a GPU if there is one; easel devices lists them")
}

// open opens the device: the processor with the options, or a GPU with those of
// the options that it has, and with memory bytes if that is not 0.
func (f *deviceFlag) open(here nncpu.Options, memory int64) (nn.Backend, error) {
	if id := cmp.Or(f.id, onCPU); id != onCPU {
		b, err := openGPU(id, gpuOptions{here.Precision, memory, here.Profile})
		if b != nil || err != nil {
			return b, err
		}
	}
	if !slices.Contains(nncpu.Precisions(), string(cmp.Or(here.Precision, nn.F32))) {
		return nil, fmt.Errorf("--dtype %s: the processor has %v", here.Precision, nncpu.Precisions())
	}
	return nncpu.New(here), nil
}

// gpuOptions are what a device is opened with.
type gpuOptions struct {
	precision nn.Precision
	memory    int64
	profile   *profile.Profile
}

// device is one that a command can run on.
type device struct {
	id, name, driver, kind string
	memory                 int64
}

func newDevices() *cobra.Command {
	return &cobra.Command{
		Use:   "devices",
		Short: "List the devices that networks can run on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, why := gpuDevices(cmd.Context())
			here := device{id: onCPU, name: fmt.Sprintf("%s, %d threads", cpu.Current(), runtime.GOMAXPROCS(0)), kind: "processor"}
			if err := printDevices(cmd.OutOrStdout(), append([]device{here}, list...)); err != nil || why == nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.ErrOrStderr(), "no GPU: %v\n", why)
			return err
		},
	}
}

func printDevices(w io.Writer, list []device) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "device\tname\ttype\tmemory\tdriver")
	for _, d := range list {
		memory := "-"
		if d.memory > 0 {
			memory = humanize.IBytes(uint64(d.memory))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.id, d.name, d.kind, memory, d.driver)
	}
	return t.Flush()
}
