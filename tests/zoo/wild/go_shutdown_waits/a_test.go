package a

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// Shutdown waits for a request whose handler waits for a word that comes after Shutdown.
func TestStop(t *testing.T) {
	release := make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
	})}
	go s.Serve(l)
	go http.Get("http://" + l.Addr().String())
	time.Sleep(200 * time.Millisecond)
	s.Shutdown(context.Background())
	close(release)
}
