package serve

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics shows, and the average that Retry-After is told from.
type metrics struct {
	registry *prometheus.Registry
	queue    *queue
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	waited   prometheus.Histogram
	pictures prometheus.Counter
	steps    prometheus.Counter

	mu      sync.Mutex
	average float64 // seconds of a job, recent ones counting more
}

// buckets go from a small model's picture to a large one's on a processor.
var buckets = []float64{.01, .03, .1, .3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600}

func newMetrics(q *queue) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), queue: q,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "easel_requests_total", Help: "Answered requests."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "easel_request_seconds", Help: "Time from request to answer.",
			Buckets: buckets}, []string{"route"}),
		waited:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "easel_queue_seconds", Help: "Time that jobs waited in the queue.", Buckets: buckets}),
		pictures: prometheus.NewCounter(prometheus.CounterOpts{Name: "easel_pictures_total", Help: "Pictures made."}),
		steps:    prometheus.NewCounter(prometheus.CounterOpts{Name: "easel_steps_total", Help: "Sampling steps made."}),
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	m.registry.MustRegister(m.requests, m.seconds, m.waited, m.pictures, m.steps,
		gauge("easel_queue_waiting", "Jobs that wait.", func() int { waiting, _, _ := q.load(); return waiting }),
		gauge("easel_jobs_running", "Jobs that run.", func() int { _, running, _ := q.load(); return running }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) answered(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
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
	waiting, running, _ := m.queue.load()
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(min(max(math.Ceil(m.average*float64(waiting)/2/float64(max(running, 1))), 1), most))
}
