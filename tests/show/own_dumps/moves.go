// moves.go - goroutines that go through calls at random and rest there. For each line of its input it prints the runtime's own traces.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type walker struct {
	rnd    *rand.Rand
	shared *sync.Mutex
	rw     *sync.RWMutex
	ticks  chan int
	none   chan int
	id     string
	steps  int64 // who has as many as before has not moved
}

type goer interface{ on(depth int) int }

func (w *walker) on(depth int) int {
	atomic.AddInt64(&w.steps, 1)
	defer atomic.AddInt64(&w.steps, 1)
	if depth == 0 {
		return w.rest()
	}
	switch w.rnd.Intn(5) {
	case 0:
		return through(w, depth-1)
	case 1:
		return func() int { return w.on(depth - 1) }()
	case 2:
		defer w.mark()
		return w.on(depth - 1)
	case 3:
		return generic(w, depth-1, 7)
	default:
		var g goer = w
		return g.on(depth-1) + 1
	}
}

func (w *walker) mark() { w.rnd.Intn(2) }

func through(w *walker, depth int) int { return twice(w, depth) }

func twice(w *walker, depth int) int {
	if depth > 0 {
		depth--
	}
	return w.on(depth)
}

func generic[T int | string](w *walker, depth int, t T) int {
	return w.on(depth)
}

func (w *walker) rest() int {
	switch w.rnd.Intn(7) {
	case 0:
		w.shared.Lock()
		time.Sleep(time.Duration(w.rnd.Intn(200)) * time.Millisecond)
		w.shared.Unlock()
	case 1:
		<-w.ticks
	case 2:
		select {
		case <-w.ticks:
		case <-w.none:
		}
	case 3:
		w.rw.RLock()
		time.Sleep(time.Duration(w.rnd.Intn(300)) * time.Millisecond)
		w.rw.RUnlock()
	case 4:
		w.rw.Lock()
		time.Sleep(time.Duration(w.rnd.Intn(100)) * time.Millisecond)
		w.rw.Unlock()
	case 5:
		n := 0
		for i := 0; i < w.rnd.Intn(2000000); i++ {
			n += i
		}
		return n
	default:
		time.Sleep(time.Duration(w.rnd.Intn(1500)) * time.Millisecond)
	}
	return 1
}

func (w *walker) forever() {
	text := make([]byte, 64)
	w.id = strings.Fields(string(text[:runtime.Stack(text, false)]))[1]
	for {
		w.on(w.rnd.Intn(12))
	}
}

func main() {
	var shared sync.Mutex
	var rw sync.RWMutex
	ticks := make(chan int)
	var walkers []*walker
	for i := 0; i < 16; i++ {
		w := &walker{rnd: rand.New(rand.NewSource(int64(i))), shared: &shared, rw: &rw, ticks: ticks}
		walkers = append(walkers, w)
		go w.forever()
	}
	go func() {
		for i := 0; ; i++ {
			time.Sleep(60 * time.Millisecond)
			ticks <- i
		}
	}()
	text := make([]byte, 1<<20)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Printf("%s\n\n", text[:runtime.Stack(text, true)])
		for _, w := range walkers {
			fmt.Println("steps", w.id, atomic.LoadInt64(&w.steps))
		}
		fmt.Println("END")
	}
}
