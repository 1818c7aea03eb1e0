package a

import (
	"context"
	"sync"
	"testing"
)

// The defers run in the wrong order: Wait comes before cancel.
func serve() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Add(1)
	go func() {
		defer wg.Done()
		<-ctx.Done()
	}()
}

func TestServe(t *testing.T) {
	serve()
}
