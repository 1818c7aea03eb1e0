// Package stock hangs where a path returns without an unlock.
package stock

import "sync"

type Stock struct {
	mu sync.Mutex
	n  map[string]int
}

func (s *Stock) Take(name string) bool {
	s.mu.Lock() // AT go_test
	if s.n[name] == 0 {
		return false
	}
	s.n[name]--
	s.mu.Unlock()
	return true
}
