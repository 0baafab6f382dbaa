// Package report says where figures were taken, and draws them.
package report

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/klauspost/cpuid/v2"
)

// Environment is what figures depend on.
type Environment struct {
	Date      string `json:"date"`
	Processor string `json:"processor"`
	Threads   int    `json:"threads"`
	Backend   string `json:"backend"`
	Go        string `json:"go"`
	Commit    string `json:"commit"` // "" where the program was not built in its repository; ends in + if files had changed
}

// NewEnvironment describes this machine and program.
func NewEnvironment(backend string, threads int) Environment {
	e := Environment{
		Date: time.Now().UTC().Format(time.DateTime), Processor: processor(), Threads: threads, Backend: backend, Go: runtime.Version(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		modified := ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				e.Commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "+"
			}
		}
		e.Commit += modified
	}
	return e
}

func processor() string {
	if cpuid.CPU.BrandName != "" {
		return cpuid.CPU.BrandName
	}
	return runtime.GOARCH
}
