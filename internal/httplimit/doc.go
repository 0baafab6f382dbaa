// Package httplimit bounds what clients take of an HTTP server: connections,
// headers, bodies, the time that answers may wait for them, and turns.
package httplimit
