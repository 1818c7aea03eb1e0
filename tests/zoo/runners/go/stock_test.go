package stock

import (
	"sync"
	"testing"
	"time"
)

func TestEmpty(t *testing.T) {
	if (&Stock{}).Take("pear") {
		t.Fatal("took one")
	}
}

func TestTwice(t *testing.T) {
	s := &Stock{}
	s.Take("apple")
	s.Take("apple")
}

func TestSub(t *testing.T) {
	t.Run("pear", func(t *testing.T) {
		<-make(chan int) // AT go_subtest
	})
}

func TestBeside(t *testing.T) {
	t.Parallel()
	time.Sleep(time.Hour)
}

func TestLocked(t *testing.T) {
	t.Parallel()
	time.Sleep(50 * time.Millisecond)
	var mu sync.Mutex
	mu.Lock()
	mu.Lock() // AT go_parallel
}
