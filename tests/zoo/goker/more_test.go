package goker

import (
	"context"
	"sync"
	"testing"
	"time"
)

// hugo#3251 (AB-BA): a map of locks by URL: unlocking needs the map's lock, which is held while a URL's lock is waited for
type remote3251 struct {
	sync.RWMutex
	urls map[string]*sync.Mutex
}

func (l *remote3251) lock(url string) {
	l.Lock()
	if _, ok := l.urls[url]; !ok {
		l.urls[url] = &sync.Mutex{}
	}
	l.urls[url].Lock() // AT mutex HOLDS
	l.Unlock()
}

func (l *remote3251) unlock(url string) {
	l.RLock() // AT rwlock HOLDS
	defer l.RUnlock()
	l.urls[url].Unlock()
}

func getRemote3251(l *remote3251, url string) {
	l.lock(url)
	defer l.unlock(url)
	time.Sleep(5 * time.Millisecond)
}

func TestHugo3251(t *testing.T) {
	l := &remote3251{urls: map[string]*sync.Mutex{}}
	var left sync.WaitGroup
	for i := 0; i < 2; i++ {
		spawn(&left, func() { getRemote3251(l, "http://localhost/") })
	}
	left.Wait() // BESIDE semaphore
}

// hugo#5379 (double locking): content is initialised with its lock held, through a page that initialises its content
type page5379 struct {
	init sync.Mutex
	text string
}

func (p *page5379) initContent() {
	p.init.Lock()
	defer p.init.Unlock()
	p.render(func() string { return p.summary() })
}

func (p *page5379) render(f func() string) { p.text = f() }

func (p *page5379) summary() string {
	p.init.Lock() // AT mutex
	defer p.init.Unlock()
	return p.text
}

func TestHugo5379(t *testing.T) {
	p := &page5379{}
	var left sync.WaitGroup
	spawn(&left, p.initContent)
	left.Wait() // BESIDE semaphore
}

// istio#16224 (channel and lock): a handler sends with the lock held; the test drains under the same lock
type config16224 struct {
	lock sync.Mutex
	got  chan int
}

func (c *config16224) handle(held chan bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	close(held)
	c.got <- 1 // AT chan_send HOLDS
}

func TestIstio16224(t *testing.T) {
	c := &config16224{got: make(chan int)}
	held := make(chan bool)
	go c.handle(held)
	<-held
	c.lock.Lock() // AT mutex
	<-c.got
	c.lock.Unlock()
}

// istio#17860 (channel): the agent ends with its first status; the others are sent to nobody
type agent17860 struct{ status chan int }

func (a *agent17860) runWait(epoch int) {
	a.status <- epoch // AT chan_send
}

func (a *agent17860) run(ctx context.Context) {
	select {
	case <-a.status:
	case <-ctx.Done():
	}
}

func TestIstio17860(t *testing.T) {
	a := &agent17860{make(chan int)}
	var left sync.WaitGroup
	for i := 0; i < 3; i++ {
		i := i
		spawn(&left, func() { a.runWait(i) })
	}
	a.run(context.Background())
	left.Wait() // BESIDE semaphore
}

// istio#18454 (channel and context): two stop one timer; the second receives from its empty channel
type strategy18454 struct {
	timer   *time.Timer
	changes chan struct{}
}

func (s *strategy18454) stopTimer() {
	if !s.timer.Stop() {
		<-s.timer.C // AT chan_recv
	}
}

func (s *strategy18454) loop() {
	s.stopTimer()
	for range s.changes {
	}
}

func (s *strategy18454) onChange() {
	s.changes <- struct{}{} // AT chan_send
}

func TestIstio18454(t *testing.T) {
	s := &strategy18454{time.NewTimer(time.Hour), make(chan struct{})}
	s.stopTimer()
	var left sync.WaitGroup
	spawn(&left, s.loop)
	spawn(&left, s.onChange)
	left.Wait() // BESIDE semaphore
}

// serving#2137 (channel and lock): requests are let go one after the other; the breaker's slots are taken by those that still wait
type request2137 struct {
	lock     sync.Mutex
	accepted chan bool
}

type breaker2137 struct {
	pending chan int
	active  chan int
}

func (b *breaker2137) maybe(thunk func()) bool {
	b.pending <- 1
	b.active <- 1 // AT chan_send
	thunk()
	<-b.active
	<-b.pending
	return true
}

func (b *breaker2137) request(started *sync.WaitGroup) *request2137 {
	r := &request2137{accepted: make(chan bool, 1)}
	r.lock.Lock()
	started.Add(1)
	go func() {
		started.Done()
		r.accepted <- b.maybe(func() {
			r.lock.Lock() // AT mutex
			r.lock.Unlock()
		})
	}()
	return r
}

func TestServing2137(t *testing.T) {
	b := &breaker2137{make(chan int, 2), make(chan int, 1)}
	var started sync.WaitGroup
	first := b.request(&started)
	started.Wait()
	time.Sleep(20 * time.Millisecond)
	second := b.request(&started)
	started.Wait()
	second.lock.Unlock()
	<-second.accepted // AT chan_recv HOLDS
	first.lock.Unlock()
}

// syncthing#4829 (double locking): clears an address with the read lock and calls what writes
type mapping4829 struct {
	mut     sync.RWMutex
	extAddr string
}

func (m *mapping4829) clear() {
	m.mut.Lock()
	if m.extAddr != "" {
		m.notify()
	}
	m.mut.Unlock()
}

func (m *mapping4829) notify() string {
	m.mut.RLock() // AT rwlock
	defer m.mut.RUnlock()
	return m.extAddr
}

func TestSyncthing4829(t *testing.T) { (&mapping4829{extAddr: "a"}).clear() }

// syncthing#5795 (channel): the dispatcher closes the connection, and closing waits for the dispatcher
type conn5795 struct {
	messages   chan string
	dispatched chan struct{}
	closed     chan struct{}
}

func (c *conn5795) dispatch() {
	defer close(c.dispatched)
	for m := range c.messages {
		if m == "cluster config" {
			c.close()
		}
	}
}

func (c *conn5795) close() {
	<-c.dispatched // AT chan_recv
	close(c.closed)
}

func TestSyncthing5795(t *testing.T) {
	c := &conn5795{make(chan string), make(chan struct{}), make(chan struct{})}
	go c.dispatch()
	c.messages <- "cluster config"
	<-c.closed // BESIDE chan_recv
}
