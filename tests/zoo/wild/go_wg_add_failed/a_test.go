package a

import (
	"context"
	"sync"
	"testing"
)

type group struct {
	ctx context.Context
	sem chan struct{}
	wg  sync.WaitGroup
	err error
}

// It is counted before it gets a slot; where it gets none nobody takes it back.
func (g *group) start(f func()) {
	g.wg.Add(1)
	select {
	case <-g.ctx.Done():
		g.err = g.ctx.Err()
		return
	case g.sem <- struct{}{}:
	}
	go func() {
		defer g.wg.Done()
		f()
		<-g.sem
	}()
}

func (g *group) wait() error {
	// all of them

	g.wg.Wait()
	return g.err
}

func TestGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g := &group{ctx: ctx, sem: make(chan struct{})}
	for i := 0; i < 3; i++ {
		g.start(func() {})
	}
	if g.wait() == nil {
		t.Fatal("no error")
	}
}
