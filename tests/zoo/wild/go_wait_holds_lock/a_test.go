package a

import (
	"sync"
	"testing"
	"time"
)

type group struct {
	mu sync.Mutex
	wg sync.WaitGroup
}

func (g *group) start(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		f()
	}()
}

// Waits with the lock held that a worker needs to start another one.
func (g *group) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wg.Wait()
}

func TestStop(t *testing.T) {
	g := &group{}
	g.start(func() {
		time.Sleep(200 * time.Millisecond)
		g.start(func() {})
	})
	g.wait()
}
