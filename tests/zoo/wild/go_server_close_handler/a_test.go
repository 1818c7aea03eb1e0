package a

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The handler waits for a release that is after Close, and Close waits for the handler.
func TestSlow(t *testing.T) {
	release := make(chan struct{})
	started := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-release
	}))
	go http.Get(srv.URL)
	<-started
	srv.Close()
	close(release)
}
