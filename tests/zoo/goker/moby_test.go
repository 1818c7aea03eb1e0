package goker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// moby#4395 (channel): a promise whose result nobody takes
func promise4395(left *sync.WaitGroup, f func() error) chan error {
	ch := make(chan error)
	spawn(left, func() {
		ch <- f() // AT chan_send
	})
	return ch
}

func TestMoby4395(t *testing.T) {
	var left sync.WaitGroup
	promise4395(&left, func() error { return nil })
	left.Wait() // BESIDE semaphore
}

// moby#4951 (AB-BA): deleting locks the devices, then the device; its removal gives up and takes the devices' lock with the device held
type devices4951 struct {
	sync.Mutex
	base *device4951
}

type device4951 struct{ lock sync.Mutex }

func (d *devices4951) deleteDevice(meet *sync.WaitGroup) {
	d.base.lock.Lock()
	defer d.base.lock.Unlock()
	d.Lock()
	defer d.Unlock()
	d.removeAndWait(meet)
}

func (d *devices4951) removeAndWait(meet *sync.WaitGroup) {
	d.Unlock()
	meet.Done()
	meet.Wait()
	d.Lock() // AT mutex HOLDS
}

func (d *devices4951) addDevice(meet *sync.WaitGroup) {
	time.Sleep(5 * time.Millisecond)
	d.Lock()
	defer d.Unlock()
	meet.Done()
	meet.Wait()
	d.base.lock.Lock() // AT mutex HOLDS
	defer d.base.lock.Unlock()
}

func TestMoby4951(t *testing.T) {
	d := &devices4951{base: &device4951{}}
	var meet, left sync.WaitGroup
	meet.Add(2)
	spawn(&left, func() { d.deleteDevice(&meet) })
	spawn(&left, func() { d.addDevice(&meet) })
	left.Wait() // BESIDE semaphore
}

// moby#7559 (double locking): a proxy's loop goes on without giving its lock back
type proxy7559 struct {
	lock  sync.Mutex
	table map[string]int
}

func (p *proxy7559) run(reads []error) {
	for _, err := range reads {
		p.lock.Lock() // AT mutex
		if _, ok := p.table["a"]; !ok && err != nil {
			continue
		}
		p.lock.Unlock()
	}
}

func TestMoby7559(t *testing.T) {
	(&proxy7559{}).run([]error{nil, errors.New("reset"), nil})
}

// moby#17176 (double locking): returns early with the lock where nothing was deleted
type deletions17176 struct {
	sync.Mutex
	number int
}

func (d *deletions17176) cleanup() {
	d.Lock()
	if d.number == 0 {
		return
	}
	d.number = 0
	d.Unlock()
}

func (d *deletions17176) list() int {
	d.Lock() // AT mutex
	defer d.Unlock()
	return d.number
}

func TestMoby17176(t *testing.T) {
	d := &deletions17176{}
	t.Run("cleanup", func(t *testing.T) { d.cleanup() })
	t.Run("list", func(t *testing.T) { d.list() }) // BESIDE chan_recv
}

// moby#21233 (channel): a test stops to take progress, and who sends it never says that it has ended
type transfer21233 struct {
	progress chan int
	running  chan struct{}
}

func (x *transfer21233) write() {
	defer close(x.running)
	for i := 0; i < 10; i++ {
		x.progress <- i // AT chan_send
	}
}

func TestMoby21233(t *testing.T) {
	x := &transfer21233{make(chan int), make(chan struct{})}
	go x.write()
	for n := range x.progress {
		if n == 3 {
			t.Error("too few updates")
			break
		}
	}
	<-x.running // BESIDE chan_recv
}

// moby#25384 (wait group): waits in each round for all of the group
type plugins25384 struct{ names []string }

func (p *plugins25384) init() {
	var group sync.WaitGroup
	group.Add(len(p.names))
	for _, name := range p.names {
		go func(name string) {
			defer group.Done()
			_ = fmt.Sprint(name)
		}(name)
		group.Wait() // AT semaphore
	}
}

func TestMoby25384(t *testing.T) { (&plugins25384{[]string{"a", "b"}}).init() }

// moby#27782 (channel and condition): removing a watch waits for a condition; who signals it sends an event to the remover
type watcher27782 struct {
	mu     sync.Mutex
	cv     *sync.Cond
	events chan string
	gone   bool
}

func (w *watcher27782) readEvents() {
	w.events <- "modify" // AT chan_send
	w.mu.Lock()
	w.gone = true
	w.cv.Broadcast()
	w.mu.Unlock()
}

func (w *watcher27782) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.gone {
		w.cv.Wait() // AT condition
	}
}

func follow27782(w *watcher27782, closed <-chan struct{}) {
	<-closed
	w.remove()
	<-w.events
}

func TestMoby27782(t *testing.T) {
	w := &watcher27782{events: make(chan string)}
	w.cv = sync.NewCond(&w.mu)
	closed := make(chan struct{})
	var left sync.WaitGroup
	spawn(&left, w.readEvents)
	spawn(&left, func() { follow27782(w, closed) })
	close(closed)
	left.Wait() // BESIDE semaphore
}

// moby#28462 (channel and lock): tells a monitor to stop with the container's lock held, which the monitor waits for
type container28462 struct {
	sync.Mutex
	stop chan struct{}
}

func (c *container28462) monitor(probing chan bool) {
	for {
		select {
		case <-c.stop:
			return
		default:
			probing <- true
			time.Sleep(5 * time.Millisecond)
			c.handleProbe()
		}
	}
}

func (c *container28462) handleProbe() {
	c.Lock() // AT mutex
	defer c.Unlock()
}

func (c *container28462) stateChanged() {
	c.Lock()
	defer c.Unlock()
	c.stop <- struct{}{} // AT chan_send HOLDS
}

func TestMoby28462(t *testing.T) {
	c := &container28462{stop: make(chan struct{})}
	probing := make(chan bool)
	go c.monitor(probing)
	<-probing
	c.stateChanged()
}

// moby#29733 (condition): a plugin's activation is waited for, and nobody signals
type plugin29733 struct {
	wait      *sync.Cond
	activated bool
}

func (p *plugin29733) waitActive() {
	p.wait.L.Lock()
	defer p.wait.L.Unlock()
	for !p.activated {
		p.wait.Wait() // AT condition
	}
}

func TestMoby29733(t *testing.T) {
	p := &plugin29733{wait: sync.NewCond(&sync.Mutex{})}
	var left sync.WaitGroup
	spawn(&left, p.waitActive)
	spawn(&left, p.waitActive)
	left.Wait() // BESIDE semaphore
}

// moby#30408 (condition): the test waits for a handler that never broadcasts
type manifest30408 struct {
	cond   *sync.Cond
	active bool
	err    error
}

func (m *manifest30408) waitActive() error {
	m.cond.L.Lock()
	defer m.cond.L.Unlock()
	for !m.active && m.err == nil {
		m.cond.Wait() // AT condition
	}
	return m.err
}

func TestMoby30408(t *testing.T) {
	m := &manifest30408{cond: sync.NewCond(&sync.Mutex{})}
	done := make(chan error)
	go func() { done <- m.waitActive() }()
	t.Log(<-done) // BESIDE chan_recv
}

// moby#33293 (channel): an error is sent on a channel without a buffer, in the goroutine that would receive it
func containerWait33293(found bool) <-chan error {
	failed := make(chan error)
	if !found {
		failed <- errors.New("no such container") // AT chan_send
		return failed
	}
	close(failed)
	return failed
}

func TestMoby33293(t *testing.T) { <-containerWait33293(false) }

// moby#33781 (channel and context): a probe sends its result after the monitor has stopped
func monitor33781(stop chan bool, left *sync.WaitGroup) {
	for {
		ctx, cancel := context.WithCancel(context.Background())
		results := make(chan bool)
		spawn(left, func() { probe33781(ctx, results) })
		select {
		case <-stop:
			cancel()
			return
		case <-results:
			cancel()
		}
	}
}

func probe33781(ctx context.Context, results chan bool) {
	<-ctx.Done()
	results <- true // AT chan_send
}

func TestMoby33781(t *testing.T) {
	var left sync.WaitGroup
	stop := make(chan bool)
	go func() { stop <- true }()
	monitor33781(stop, &left)
	left.Wait() // BESIDE semaphore
}

// moby#36114 (double locking): the service VM is locked, and what it calls locks it
type serviceVM36114 struct{ sync.Mutex }

func (s *serviceVM36114) addVHDs() {
	s.Lock()
	defer s.Unlock()
	defer s.removeVHDs()
}

func (s *serviceVM36114) removeVHDs() {
	s.Lock() // AT mutex
	defer s.Unlock()
}

func TestMoby36114(t *testing.T) { new(serviceVM36114).addVHDs() }
