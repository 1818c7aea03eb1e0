package goker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// kubernetes#1321 (channel and lock): distributes with the lock held to a watcher that stops, which needs the lock
type mux1321 struct {
	lock     sync.Mutex
	watchers map[int]chan int
}

func (m *mux1321) distribute(event int, held chan bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	close(held)
	for _, w := range m.watchers {
		w <- event // AT chan_send HOLDS
	}
}

func (m *mux1321) stop(id int) {
	m.lock.Lock() // AT mutex
	defer m.lock.Unlock()
	close(m.watchers[id])
	delete(m.watchers, id)
}

func TestKubernetes1321(t *testing.T) {
	m := &mux1321{watchers: map[int]chan int{1: make(chan int)}}
	held := make(chan bool)
	go m.distribute(7, held)
	<-held
	m.stop(1)
}

// kubernetes#5316 (channel): a request times out, and its handler sends the result
func finishRequest5316(timeout time.Duration, left *sync.WaitGroup, fn func() (int, error)) (int, error) {
	result, failed := make(chan int), make(chan error)
	spawn(left, func() {
		if n, err := fn(); err != nil {
			failed <- err // AT chan_send
		} else {
			result <- n
		}
	})
	select {
	case n := <-result:
		return n, nil
	case err := <-failed:
		return 0, err
	case <-time.After(timeout):
		return 0, errors.New("timeout")
	}
}

func TestKubernetes5316(t *testing.T) {
	var left sync.WaitGroup
	_, _ = finishRequest5316(time.Millisecond, &left, func() (int, error) {
		time.Sleep(30 * time.Millisecond)
		return 0, errors.New("no such pod")
	})
	left.Wait() // BESIDE semaphore
}

// kubernetes#6632 (channel and lock): WriteFrame holds the lock at a full channel; the monitor takes the lock to close it
type idle6632 struct {
	writeLock sync.Mutex
	reset     chan time.Duration
	closing   chan bool
}

func (i *idle6632) monitor() {
	for {
		select {
		case <-i.closing:
			i.writeLock.Lock() // AT mutex
			close(i.reset)
			i.writeLock.Unlock()
			return
		}
	}
}

func (i *idle6632) writeFrame(held chan bool) {
	i.writeLock.Lock()
	defer i.writeLock.Unlock()
	close(held)
	i.reset <- time.Second // AT chan_send HOLDS
}

func TestKubernetes6632(t *testing.T) {
	i := &idle6632{reset: make(chan time.Duration), closing: make(chan bool)}
	var left sync.WaitGroup
	held := make(chan bool)
	spawn(&left, i.monitor)
	spawn(&left, func() { i.writeFrame(held) })
	<-held
	i.closing <- true
	left.Wait() // BESIDE semaphore
}

// kubernetes#10182 (channel and lock): the status is sent with the lock held; who takes it waits for the lock
type statuses10182 struct {
	lock sync.Mutex
	ch   chan bool
}

func (s *statuses10182) syncBatch(taken chan bool) {
	<-s.ch
	close(taken)
	time.Sleep(5 * time.Millisecond)
	s.remove()
}

func (s *statuses10182) remove() {
	s.lock.Lock() // AT mutex
	defer s.lock.Unlock()
}

func (s *statuses10182) set() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.ch <- true // AT chan_send HOLDS
}

func TestKubernetes10182(t *testing.T) {
	s := &statuses10182{ch: make(chan bool)}
	taken := make(chan bool)
	var left sync.WaitGroup
	spawn(&left, func() { s.syncBatch(taken) })
	s.set()
	<-taken
	spawn(&left, s.set)
	left.Wait() // BESIDE semaphore
}

// kubernetes#11298 (channel and condition): Signal comes before Wait, and never again
type notifier11298 struct {
	lock  sync.Mutex
	cond  *sync.Cond
	dirty bool
}

func (n *notifier11298) loop() {
	n.lock.Lock()
	defer n.lock.Unlock()
	for {
		n.cond.Wait() // AT condition
		if n.dirty {
			return
		}
	}
}

func TestKubernetes11298(t *testing.T) {
	n := &notifier11298{}
	n.cond = sync.NewCond(&n.lock)
	n.cond.Signal()
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.loop()
	}()
	<-done // BESIDE chan_recv
}

// kubernetes#13135 (AB-BA): an event locks the watch cache, then the cacher; caching locks the cacher, then the watch cache
type cacher13135 struct {
	sync.RWMutex
	cache *watchCache13135
}

type watchCache13135 struct {
	sync.RWMutex
	onEvent func()
}

func (w *watchCache13135) replace() {
	w.Lock() // AT rwlock HOLDS
	defer w.Unlock()
}

func (w *watchCache13135) process(meet *sync.WaitGroup) {
	w.Lock()
	defer w.Unlock()
	meet.Done()
	meet.Wait()
	w.onEvent()
}

func (c *cacher13135) startCaching(meet *sync.WaitGroup) {
	c.Lock()
	defer c.Unlock()
	meet.Done()
	meet.Wait()
	c.cache.replace()
}

func (c *cacher13135) changed() {
	c.Lock() // AT rwlock HOLDS
	defer c.Unlock()
}

func TestKubernetes13135(t *testing.T) {
	c := &cacher13135{cache: &watchCache13135{}}
	c.cache.onEvent = c.changed
	var meet, left sync.WaitGroup
	meet.Add(2)
	spawn(&left, func() { c.startCaching(&meet) })
	spawn(&left, func() { c.cache.process(&meet) })
	left.Wait() // BESIDE semaphore
}

// kubernetes#25331 (channel and context): a watch ends by an error that is sent to nobody
type watch25331 struct {
	ctx    context.Context
	cancel context.CancelFunc
	errs   chan error
	result chan bool
}

func (w *watch25331) run() {
	select {
	case err := <-w.errs:
		w.cancel()
		w.result <- err == nil // AT chan_send
	case <-w.ctx.Done():
	}
}

func (w *watch25331) stop() { w.cancel() }

func TestKubernetes25331(t *testing.T) {
	w := &watch25331{errs: make(chan error), result: make(chan bool)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	var left sync.WaitGroup
	spawn(&left, w.run)
	w.errs <- errors.New("gone")
	w.stop()
	left.Wait() // BESIDE semaphore
}

// kubernetes#26980 (channel and lock): notifies with the lock held, and who listens adds with the lock
type listener26980 struct {
	lock    sync.RWMutex
	pending []int
	next    chan int
}

func (l *listener26980) pop(held chan bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	close(held)
	for _, n := range l.pending {
		l.next <- n // AT chan_send HOLDS
	}
}

func (l *listener26980) add(n int) {
	l.lock.Lock() // AT rwlock
	defer l.lock.Unlock()
	l.pending = append(l.pending, n)
}

func TestKubernetes26980(t *testing.T) {
	l := &listener26980{pending: []int{1}, next: make(chan int)}
	held := make(chan bool)
	go l.pop(held)
	<-held
	l.add(2)
	<-l.next
}

// kubernetes#30872 (AB-BA): three goroutines, two locks: of the informer and of its queue
type queue30872 struct {
	lock    sync.RWMutex
	handler func()
}

func (q *queue30872) pop(reached *sync.WaitGroup) {
	q.lock.Lock()
	defer q.lock.Unlock()
	reached.Done()
	reached.Wait()
	q.handler()
}

func (q *queue30872) hasSynced() bool {
	q.lock.RLock() // AT rwlock HOLDS
	defer q.lock.RUnlock()
	return true
}

type informer30872 struct {
	sync.Mutex
	queue *queue30872
}

func (f *informer30872) addCluster() {
	f.Lock() // AT mutex HOLDS
	defer f.Unlock()
}

func (f *informer30872) synced(reached *sync.WaitGroup) bool {
	f.Lock()
	defer f.Unlock()
	reached.Done()
	reached.Wait()
	return f.queue.hasSynced()
}

func (f *informer30872) Stop() {
	f.Lock() // AT mutex
	defer f.Unlock()
}

func TestKubernetes30872(t *testing.T) {
	f := &informer30872{queue: &queue30872{}}
	f.queue.handler = f.addCluster
	var reached, left sync.WaitGroup
	reached.Add(2)
	spawn(&left, func() { f.queue.pop(&reached) })
	spawn(&left, func() { f.synced(&reached) })
	spawn(&left, func() {
		reached.Wait()
		f.Stop()
	})
	left.Wait() // BESIDE semaphore
}

// kubernetes#38669 (channel): nobody sends the event that is received
type cache38669 struct{ incoming chan int }

func (c *cache38669) add(n int) { c.incoming <- n }

func (c *cache38669) dispatch() int {
	return <-c.incoming // AT chan_recv
}

func TestKubernetes38669(t *testing.T) {
	c := &cache38669{make(chan int)}
	c.dispatch()
}

// kubernetes#58107 (RWR): waits for a condition with the read lock, a writer waits for it, and a second queue cannot read
type quota58107 struct {
	workers sync.RWMutex
	mu      sync.Mutex
	filled  *sync.Cond
}

func (q *quota58107) empty() {
	q.workers.RLock()
	defer q.workers.RUnlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.filled.Wait() // AT condition HOLDS
}

func (q *quota58107) second() {
	q.workers.RLock() // AT rwlock
	defer q.workers.RUnlock()
	q.mu.Lock()
	q.filled.Signal()
	q.mu.Unlock()
}

func (q *quota58107) sync() {
	q.workers.Lock() // AT rwlock
	defer q.workers.Unlock()
}

func TestKubernetes58107(t *testing.T) {
	q := &quota58107{}
	q.filled = sync.NewCond(&q.mu)
	var left sync.WaitGroup
	spawn(&left, q.empty)
	readerHolds(&q.workers)
	spawn(&left, q.sync)
	writerWaits(&q.workers)
	spawn(&left, q.second)
	left.Wait() // BESIDE semaphore
}

// kubernetes#62464 (RWR): a read lock below a read lock, and a container is removed between
type state62464 interface{ get(name string) int }

type memory62464 struct {
	sync.RWMutex
	sets map[string]int
}

func (m *memory62464) get(name string) int {
	m.RLock()
	defer m.RUnlock()
	writerWaits(&m.RWMutex)
	return m.of(name)
}

func (m *memory62464) of(name string) int {
	m.RLock() // AT rwlock HOLDS
	defer m.RUnlock()
	return m.sets[name]
}

func (m *memory62464) remove(name string) {
	m.Lock() // AT rwlock
	defer m.Unlock()
	delete(m.sets, name)
}

func TestKubernetes62464(t *testing.T) {
	m := &memory62464{sets: map[string]int{}}
	var s state62464 = m
	go func() {
		readerHolds(&m.RWMutex)
		m.remove("a")
	}()
	s.get("a")
}

// kubernetes#70277 (channel): a poller ends only when its done channel is closed, which nobody does
func poller70277(interval time.Duration, left *sync.WaitGroup) func(done <-chan struct{}) <-chan struct{} {
	return func(done <-chan struct{}) <-chan struct{} {
		ch := make(chan struct{})
		spawn(left, func() {
			defer close(ch)
			tick := time.NewTicker(interval)
			defer tick.Stop()
			for {
				select { // AT select
				case <-tick.C:
					select {
					case ch <- struct{}{}:
					default:
					}
				case <-done:
					return
				}
			}
		})
		return ch
	}
}

func waitFor70277(wait func(done <-chan struct{}) <-chan struct{}, f func() bool) error {
	for c := wait(make(chan struct{})); ; {
		<-c
		if f() {
			return nil
		}
	}
}

func TestKubernetes70277(t *testing.T) {
	var left sync.WaitGroup
	_ = waitFor70277(poller70277(time.Millisecond, &left), func() bool { return true })
	left.Wait() // BESIDE semaphore
}
