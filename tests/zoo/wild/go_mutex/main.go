package main

import (
	"sync"
	"time"
)

type store struct {
	mu sync.Mutex
	n  int
}

func (s *store) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *store) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n = s.size() + 1
}

func main() {
	go func() {
		for {
			time.Sleep(time.Second)
		}
	}()
	(&store{}).add()
}
