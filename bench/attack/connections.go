package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// many runs an attack a number of times at once, and returns the worst outcome.
func (a *attacker) many(ctx context.Context, n int, f func(context.Context) (outcome, error)) (worst outcome, failed error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			o, err := f(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			if o.status > worst.status || o.status == worst.status && o.bytes > worst.bytes {
				worst = o
			}
		})
	}
	wg.Wait()
	return worst, failed
}

// raw writes bytes to a connection of its own, stalls, and reads an answer where
// it wants one.
func (a *attacker) raw(ctx context.Context, text string, stalls time.Duration, reads bool) (outcome, error) {
	conn, err := dial(ctx, strings.TrimPrefix(a.URL, "http://"), "")
	if err != nil {
		return outcome{}, ctx.Err() // refused
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok && !reads {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return outcome{}, err
		}
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return outcome{}, ctx.Err() // cut
	}
	pause(ctx, stalls)
	if !reads {
		return outcome{}, ctx.Err()
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return outcome{}, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return outcome{}, ctx.Err()
	}
	defer answer.Body.Close()
	n, _ := io.Copy(io.Discard, answer.Body)
	return outcome{answer.StatusCode, n}, ctx.Err()
}

// head is the head of a request with a body of a number of bytes.
func (a *attacker) head(method, path string, length int, headers string) string {
	host := strings.TrimPrefix(a.URL, "http://")
	if a.Key != "" {
		headers += "Authorization: Bearer " + a.Key + "\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n", method, path, host, length, headers)
}

// stalling is a kind that opens n connections, writes, and stalls.
func stalling(name string, n int, text func(*attacker) string) Kind {
	return Kind{Name: name, LastsLonger: true, run: func(ctx context.Context, a *attacker) (outcome, error) {
		all := text(a) // one for all, since its memory would count as the server's
		return a.many(ctx, n, func(ctx context.Context) (outcome, error) { return a.raw(ctx, all, a.Stall, false) })
	}}
}

// answered is a kind that writes bytes of its own and reads the answer.
func answered(name string, text func(*attacker) string) Kind {
	return Kind{Name: name, run: func(ctx context.Context, a *attacker) (outcome, error) { return a.raw(ctx, text(a), 0, true) }}
}

// taking is a kind whose jobs take the turn that a request of them takes.
func taking(k Kind, path, body string, headers ...string) Kind {
	k.turn = func(ctx context.Context, a *attacker) (outcome, error) {
		return a.send(ctx, http.MethodPost, path, body, headers...)
	}
	return k
}

// manyTexts asks for as many embeddings as one request may.
var manyTexts = `{"input":[` + strings.Repeat(`"a red circle",`, 63) + `"a star"]}`

const longRequest = `{"text_prompts":[{"text":"x"}],"steps":150,"seed":1,"width":64,"height":64}`

// doors are attacks on the protocol, on connections and on the queue.
func doors(n int) []Kind {
	return []Kind{
		stalling("slow: uploads", n, func(a *attacker) string { return a.head("POST", "/predict", 30*mega, "") + "{" }),
		stalling("slow: uploads of 1 MB so far", n/4, func(a *attacker) string { return a.head("POST", "/predict", 30*mega, "") + strings.Repeat(" ", mega) }),
		stalling("slow: headers", n, func(a *attacker) string { return "POST /predict HTTP/1.1\r\nHost: x\r\nX-" }),
		stalling("slow: nothing", 25*n, func(*attacker) string { return "" }),
		stalling("slow: forms", n, func(a *attacker) string {
			return a.head("POST", "/predict", mega, "Content-Type: multipart/form-data; boundary=B\r\n") + "--B\r\n"
		}),
		stalling("slow: chunks", n, func(a *attacker) string {
			return "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
		}),
		stalling("slow: expects to be asked", n, func(a *attacker) string { return a.head("POST", "/predict", 30*mega, "Expect: 100-continue\r\n") }),
		taking(stalling("stalled: readers of events", n, func(a *attacker) string {
			return a.head("POST", "/predict?preview=2", len(longRequest), "Accept: text/event-stream\r\n") + longRequest
		}), "/predict?preview=2", longRequest, "Accept", "text/event-stream"),
		stalling("stalled: readers of pages", n, func(a *attacker) string { return strings.Repeat(a.head("GET", "/openapi.json", 0, ""), 20) }),
		stalling("stalled: readers of metrics", n, func(a *attacker) string { return strings.Repeat(a.head("GET", "/metrics", 0, ""), 20) }),
		taking(stalling("left: pipelined", n, func(a *attacker) string {
			return strings.Repeat(a.head("POST", "/predict", len(longRequest), "")+longRequest, 3)
		}), "/predict", longRequest),
		{Name: "left: at once", run: func(ctx context.Context, a *attacker) (outcome, error) {
			return a.many(ctx, n, func(ctx context.Context) (outcome, error) {
				return a.raw(ctx, a.head("POST", "/predict", len(longRequest), "")+longRequest, 0, false)
			})
		}},
		taking(Kind{Name: "flood: requests", LastsLonger: true, run: func(ctx context.Context, a *attacker) (outcome, error) {
			return a.many(ctx, n, func(ctx context.Context) (outcome, error) {
				return a.send(ctx, http.MethodPost, "/predict", goodRequest)
			})
		}}, "/predict", goodRequest),
		taking(Kind{Name: "flood: embeddings", LastsLonger: true, run: func(ctx context.Context, a *attacker) (outcome, error) {
			return a.many(ctx, n/4, func(ctx context.Context) (outcome, error) {
				return a.send(ctx, http.MethodPost, "/v1/embeddings", manyTexts)
			})
		}}, "/v1/embeddings", manyTexts),
		{Name: "flood: wrong keys", run: func(ctx context.Context, a *attacker) (outcome, error) {
			return a.many(ctx, n, func(ctx context.Context) (outcome, error) {
				return a.send(ctx, http.MethodPost, "/predict", "{", "Authorization", "Bearer wrong")
			})
		}},
		answered("protocol: a header of 1 MB", func(a *attacker) string {
			return a.head("POST", "/predict", 0, "X-A: "+strings.Repeat("a", mega)+"\r\n")
		}),
		answered("protocol: ten thousand headers", func(a *attacker) string { return a.head("POST", "/predict", 0, strings.Repeat("X-A: a\r\n", 10_000)) }),
		answered("protocol: a path of 50 KB", func(a *attacker) string { return a.head("GET", "/"+strings.Repeat("a", 50_000), 0, "") }),
		answered("protocol: an engine of 50 KB", func(a *attacker) string {
			return a.head("POST", "/v1/generation/"+strings.Repeat("a", 50_000)+"/text-to-image", 2, "") + "{}"
		}),
		answered("protocol: up in folders", func(a *attacker) string { return a.head("GET", "/../../../../etc/passwd", 0, "") }),
		answered("protocol: up in folders, hidden", func(a *attacker) string { return a.head("GET", "/%2e%2e/%2e%2e/etc/passwd", 0, "") }),
		answered("protocol: chunks of one byte", func(a *attacker) string {
			return "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\n \r\n", 100_000) + "0\r\n\r\n"
		}),
		answered("protocol: extensions of chunks", func(a *attacker) string {
			return "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\n \r\n", 1000) + "0\r\n\r\n"
		}),
		answered("protocol: a chunk of no size", func(a *attacker) string {
			return "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
		}),
		answered("protocol: two lengths", func(a *attacker) string { return a.head("POST", "/predict", 2, "Content-Length: 5\r\n") + "{}" }),
		answered("protocol: another method", func(a *attacker) string { return a.head("BREW", "/predict", 0, "") }),
		answered("protocol: no HTTP", func(*attacker) string { return "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n" }),
		answered("protocol: thousands of kinds accepted", func(a *attacker) string {
			return a.head("POST", "/predict", 2, "Accept: "+strings.Repeat("a/b;q=0.1,", 5000)+"*/*\r\n") + "{}"
		}),
		answered("protocol: many ranges", func(a *attacker) string {
			return a.head("GET", "/openapi.json", 0, "Range: bytes="+strings.Repeat("0-,", 10_000)+"0-\r\n")
		}),
		answered("protocol: many fields of the query", func(a *attacker) string {
			return a.head("POST", "/predict?"+strings.Repeat("a=b&", 12_000), 2, "Accept: text/event-stream\r\n") + "{}"
		}),
		answered("door: another's name", func(a *attacker) string { return "GET /v1/models HTTP/1.1\r\nHost: evil.example.com\r\n\r\n" }),
		answered("door: another site's page", func(a *attacker) string {
			return a.head("POST", "/predict", len(goodRequest), "Origin: https://evil.example.com\r\nSec-Fetch-Site: cross-site\r\n") + goodRequest
		}),
	}
}

// Kinds returns all kinds of attack, of up to n connections at once and more
// that do nothing.
func Kinds(n int) []Kind {
	var all []Kind
	for _, kinds := range [][]Kind{bodies(), prompts(), numbers(), pictures(n), doors(n)} {
		all = append(all, kinds...)
	}
	return all
}
