package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

type store struct {
	mu sync.RWMutex
	n  int
}

func (s *store) get() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.n
}

// Reads again while a writer waits: the writer goes first, and never can.
func (s *store) sum() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	time.Sleep(200 * time.Millisecond)
	return s.get() + s.get()
}

func main() {
	s := &store{}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	go func() {
		time.Sleep(100 * time.Millisecond)
		s.mu.Lock()
		s.n++
		s.mu.Unlock()
	}()
	fmt.Println(s.sum())
}
