package a

import "testing"

func feed(out chan<- int, stop <-chan struct{}) {
	for i := 0; ; i++ {
		out <- i
		select {
		case <-stop:
			close(out)
			return
		default:
		}
	}
}

// The cleanup waits for the feeder, which waits for a reader.
func TestFeed(t *testing.T) {
	out, stop, done := make(chan int), make(chan struct{}), make(chan struct{})
	go func() { feed(out, stop); close(done) }()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	if <-out != 0 {
		t.Fatal("not the first")
	}
}
