// Package httplimit bounds what clients take of an HTTP server: connections,
// headers, bodies, and the time that answers may wait for them.
package httplimit
