package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

// The receiver leaves after the first error; the other senders wait at a channel without a buffer.
func work(n int, errs chan<- error, done *sync.WaitGroup) {
	defer done.Done()
	errs <- errors.New(fmt.Sprint("job ", n))
}

func main() {
	errs := make(chan error)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	var done sync.WaitGroup
	for n := 0; n < 2; n++ {
		done.Add(1)
		go work(n, errs, &done)
	}
	fmt.Println(<-errs)
	time.Sleep(100 * time.Millisecond)
	done.Wait()
}
