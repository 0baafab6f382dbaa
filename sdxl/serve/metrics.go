package serve

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	prometheus "github.com/VictoriaMetrics/metrics"
	"github.com/df65613c/easel/internal/httplimit"
)

// metrics are what /metrics shows, and the average from which Retry-After is computed.
type metrics struct {
	set      *prometheus.Set
	queue    *httplimit.Queue
	waited   *prometheus.PrometheusHistogram
	pictures *prometheus.Counter
	steps    *prometheus.Counter
	panics   *prometheus.Counter

	writing sync.Mutex // one at a time, so that a flood of requests for them leaves processors to others

	mu      sync.Mutex
	average float64 // seconds of a job, recent ones counting more
}

// buckets go from a small model's picture to a large one's on a processor, in seconds.
var buckets = []float64{.01, .03, .1, .3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600}

func newMetrics(q *httplimit.Queue) *metrics {
	s := prometheus.NewSet()
	m := &metrics{
		set: s, queue: q,
		waited:   s.NewPrometheusHistogramExt("easel_queue_seconds", buckets),
		pictures: s.NewCounter("easel_pictures_total"),
		steps:    s.NewCounter("easel_steps_total"),
		panics:   s.NewCounter("easel_panics_total"),
	}
	s.NewGauge("easel_queue_waiting", func() float64 { waiting, _, _ := q.Load(); return float64(waiting) })
	s.NewGauge("easel_jobs_running", func() float64 { _, running, _ := q.Load(); return float64(running) })
	return m
}

// ServeHTTP writes them in the text format of Prometheus, those of the process at the end.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer // so that no lock is held while a client reads
	m.writing.Lock()
	m.set.WritePrometheus(&b)
	prometheus.WriteProcessMetrics(&b)
	prometheus.WriteFDMetrics(&b)
	m.writing.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a client that left has no use for it
}

func (m *metrics) answered(route string, status int, took time.Duration) {
	m.set.GetOrCreateCounter(fmt.Sprintf("easel_requests_total{code=\"%d\",route=%q}", status, route)).Inc()
	m.set.GetOrCreatePrometheusHistogramExt(fmt.Sprintf("easel_request_seconds{route=%q}", route), buckets).Update(took.Seconds())
}

// ran takes in how long a job ran.
func (m *metrics) ran(took time.Duration) {
	const weight = 0.2 // of the newest
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.average == 0 {
		m.average = took.Seconds()
		return
	}
	m.average += weight * (took.Seconds() - m.average)
}

// retryAfter returns in how many seconds half of those who wait will be gone.
func (m *metrics) retryAfter() int {
	const most = 600
	waiting, running, _ := m.queue.Load()
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(min(max(math.Ceil(m.average*float64(waiting)/2/float64(max(running, 1))), 1), most))
}
