// hang.go - hangs in Go, one a name. A timer and a network poller are kept alive, so that the runtime does not see the deadlock.
package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
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
	mu.Lock()
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
		wg.Wait()
	case "go_select":
		select {}
	case "go_accept":
		_, _ = listener().Accept()
	case "go_recv":
		l := listener()
		c, _ := net.Dial("tcp", l.Addr().String())
		_, _ = c.Read(make([]byte, 1))
	case "go_sleep":
		time.Sleep(time.Minute)
	case "go_stdin":
		_, _ = io.ReadAll(os.Stdin)
	case "go_child":
		_ = exec.Command("sleep", "60").Run()
	case "go_exec_pipe":
		goExecPipe()
	case "go_spin":
		goSpin()
	}
}
