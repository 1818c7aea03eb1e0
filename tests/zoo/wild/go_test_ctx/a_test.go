package a

import (
	"os"
	"os/signal"
	"testing"
)

func TestParse(t *testing.T) {}

func TestRenew(t *testing.T) {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		<-stop
		close(done)
	}()
	<-done
}
