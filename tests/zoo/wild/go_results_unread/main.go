package main

import (
	"net"
	"sync"
)

func produce(n int, out chan int, wg *sync.WaitGroup) {
	defer wg.Done()
	out <- n
}

// Waits for all producers before it reads the first result.
func main() {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go l.Accept()
	out := make(chan int)
	var wg sync.WaitGroup
	for n := 0; n < 3; n++ {
		wg.Add(1)
		go produce(n, out, &wg)
	}
	wg.Wait()
	for n := 0; n < 3; n++ {
		println(<-out)
	}
}
