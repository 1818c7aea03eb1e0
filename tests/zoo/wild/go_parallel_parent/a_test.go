package a

import (
	"sync"
	"testing"
)

// The parent waits for its parallel subtests, which start only when the parent has returned.
func TestAll(t *testing.T) {
	var wg sync.WaitGroup
	for _, n := range []string{"a", "b"} {
		wg.Add(1)
		t.Run(n, func(t *testing.T) {
			t.Parallel()
			defer wg.Done()
		})
	}
	wg.Wait()
}
