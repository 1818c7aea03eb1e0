// hang.go - hangs in Go, one a name. A timer and a network poller are kept alive, so that the runtime does not see the deadlock.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"
)

func listener() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	return l
}

func hold(mu *sync.Mutex) {
	mu.Lock() // AT go_mutex
}

func goExecPipe() {
	// The shell ends at once; what it left in the background holds the pipe that CombinedOutput reads.
	_, _ = exec.Command("sh", "-c", "sleep 60 & echo started").CombinedOutput() // AT go_exec_pipe
}

func goSpin() {
	for n := 0; ; n++ { // AT go_spin
		if n < 0 { // AT go_spin
			break
		}
	}
}

type account struct {
	mu      sync.Mutex
	balance int
}

func transfer(from, to *account, locked, go_on chan bool) {
	from.mu.Lock()
	defer from.mu.Unlock()
	locked <- true
	<-go_on
	to.mu.Lock() // AT go_abba
	defer to.mu.Unlock()
	from.balance--
	to.balance++
}

func goAbba() {
	a, b := &account{}, &account{}
	locked, goOn := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	for _, pair := range [][2]*account{{a, b}, {b, a}} {
		wg.Add(1)
		go func(pair [2]*account) {
			defer wg.Done()
			transfer(pair[0], pair[1], locked, goOn)
		}(pair)
	}
	<-locked
	<-locked
	close(goOn)
	wg.Wait()
}

// Its workers send their results, which it only reads once they have ended.
func goGroupResults() {
	var wg sync.WaitGroup
	results := make(chan int)
	for i := 0; i < 3; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			results <- i // AT go_group_results
		}(i)
	}
	wg.Wait()
	close(results)
}

// The receiver has left with the first answer; the second sender waits for ever.
func goChanSend() {
	answers, left := make(chan int), make(chan bool)
	go func() { answers <- 1 }()
	go func() {
		<-left
		answers <- 2 // AT go_chan_send
		left <- true
	}()
	<-answers
	left <- true
	<-left
}

// A reader may not read again once a writer waits.
func goRWMutex() {
	var rw sync.RWMutex
	rw.RLock()
	go func() { rw.Lock() }()
	time.Sleep(50 * time.Millisecond)
	rw.RLock() // AT go_rwmutex
}

func goCond() {
	var mu sync.Mutex
	full := sync.NewCond(&mu)
	mu.Lock()
	for items := 0; items == 0; {
		full.Wait() // AT go_cond
	}
}

func worker(jobs chan int, done *sync.WaitGroup) {
	defer done.Done()
	for range jobs { // AT go_workers
	}
}

// Nobody closes the channel of jobs.
func goWorkers() {
	var done sync.WaitGroup
	jobs := make(chan int, 2)
	for i := 0; i < 3; i++ {
		done.Add(1)
		go worker(jobs, &done)
	}
	jobs <- 1
	done.Wait()
}

func goSelect(stop, work chan int) {
	select { // AT go_select_two
	case <-stop:
	case <-work:
	}
}

func goOnce() {
	var once sync.Once
	started := make(chan bool)
	go once.Do(func() {
		close(started)
		time.Sleep(time.Hour)
	})
	<-started
	once.Do(func() {}) // AT go_once
}

func goPoll() {
	var mu sync.Mutex
	var done int32
	go func() {
		mu.Lock()
		mu.Lock() // AT go_poll
		atomic.StoreInt32(&done, 1)
	}()
	for atomic.LoadInt32(&done) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

func goHTTP() {
	l := listener()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { select {} }))
	resp, err := http.Get("http://" + l.Addr().String()) // AT go_http
	if err == nil {
		resp.Body.Close()
	}
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt) // as a server does: the runtime no longer calls it a deadlock
	switch os.Args[1] {
	case "go_channel":
		<-make(chan int) // AT go_channel
	case "go_mutex":
		var mu sync.Mutex
		hold(&mu)
		hold(&mu)
	case "go_waitgroup":
		var wg sync.WaitGroup
		wg.Add(1)
		wg.Wait() // AT go_waitgroup
	case "go_group_results":
		go func() { // beside it, and not waited for
			for {
				time.Sleep(time.Hour)
			}
		}()
		goGroupResults()
	case "go_select":
		select {} // AT go_select
	case "go_nil":
		var nobody chan int
		nobody <- 1 // AT go_nil
	case "go_abba":
		goAbba()
	case "go_chan_send":
		goChanSend()
	case "go_rwmutex":
		goRWMutex()
	case "go_cond":
		goCond()
	case "go_workers":
		goWorkers()
	case "go_select_two":
		goSelect(make(chan int), make(chan int))
	case "go_once":
		goOnce()
	case "go_poll":
		goPoll()
	case "go_http":
		goHTTP()
	case "go_accept":
		_, _ = listener().Accept() // AT go_accept
	case "go_recv":
		l := listener()
		c, _ := net.Dial("tcp", l.Addr().String())
		_, _ = c.Read(make([]byte, 1)) // AT go_recv
	case "go_sleep":
		time.Sleep(time.Minute) // AT go_sleep
	case "go_stdin":
		_, _ = io.ReadAll(os.Stdin) // AT go_stdin
	case "go_child":
		_ = exec.Command("sleep", "60").Run() // AT go_child
	case "go_exec_pipe":
		goExecPipe()
	case "go_spin":
		goSpin()
	}
}
