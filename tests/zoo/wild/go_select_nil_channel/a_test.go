package a

import (
	"context"
	"testing"
)

type feed struct{ rows chan int }

func (f *feed) next(ctx context.Context) int {
	select {
	case n := <-f.rows:
		return n
	case <-ctx.Done():
		return -1
	}
}

// The channel was never made, and the context never ends.
func TestNext(t *testing.T) {
	var f feed
	f.next(context.Background())
}
