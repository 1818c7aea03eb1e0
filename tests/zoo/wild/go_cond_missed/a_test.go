package a

import (
	"sync"
	"testing"
	"time"
)

// Signal comes before Wait, and the condition is not looked at.
func waitReady(c *sync.Cond) {
	c.L.Lock()
	defer c.L.Unlock()
	c.Wait()
}

func TestReady(t *testing.T) {
	c := sync.NewCond(&sync.Mutex{})
	c.Signal()
	time.Sleep(10 * time.Millisecond)
	waitReady(c)
}
