package a

import (
	"errors"
	"sync"
	"testing"
)

func work(n int, wg *sync.WaitGroup) error {
	if n == 2 {
		return errors.New("early, without Done")
	}
	wg.Done()
	return nil
}

func TestAll(t *testing.T) {
	var wg sync.WaitGroup
	for n := 0; n < 4; n++ {
		wg.Add(1)
		go work(n, &wg)
	}
	wg.Wait()
}
