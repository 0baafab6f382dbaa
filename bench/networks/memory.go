package networks

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Memory is the most that the process held while a network ran, in bytes, or
// zeros where the system does not tell.
type Memory struct {
	RSS  int64 `json:"rss"`      // with the pages of mapped files that were resident
	Anon int64 `json:"rss_anon"` // allocated
}

const interval = 20 * time.Millisecond

type memoryWatch struct {
	quit chan struct{}
	most chan Memory
}

// watchMemory looks at the memory of the process until it is stopped.
func watchMemory() *memoryWatch {
	w := &memoryWatch{make(chan struct{}), make(chan Memory)}
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		most := currentMemory()
		for {
			select {
			case <-tick.C:
			case <-w.quit:
				w.most <- most.max(currentMemory())
				return
			}
			most = most.max(currentMemory())
		}
	}()
	return w
}

func (w *memoryWatch) stop() Memory {
	close(w.quit)
	return <-w.most
}

func (m Memory) max(o Memory) Memory { return Memory{max(m.RSS, o.RSS), max(m.Anon, o.Anon)} }

// currentMemory reads what Linux tells of the process.
func currentMemory() (m Memory) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(status)) {
		for prefix, field := range map[string]*int64{"VmRSS:": &m.RSS, "RssAnon:": &m.Anon} {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				if _, err := fmt.Sscanf(rest, "%d kB", field); err == nil {
					*field *= 1024
				}
			}
		}
	}
	return m
}
