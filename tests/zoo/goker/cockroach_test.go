package goker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// cockroach#584 (double locking): a loop is left without giving its lock back; the next round of another function takes it again
type gossip584 struct {
	mu     sync.Mutex
	closed bool
}

func (g *gossip584) bootstrap() {
	for {
		g.mu.Lock()
		if g.closed {
			break
		}
		g.mu.Unlock()
	}
}

func (g *gossip584) manage() {
	for {
		g.mu.Lock() // AT mutex
		if g.closed {
			break
		}
		g.mu.Unlock()
	}
}

func TestCockroach584(t *testing.T) {
	var left sync.WaitGroup
	g := &gossip584{closed: true}
	spawn(&left, func() {
		g.bootstrap()
		g.manage()
	})
	left.Wait() // BESIDE semaphore
}

// cockroach#1055 (channel and wait group): Stop waits for a task with the lock held that the task needs to say it has stopped
type stopper1055 struct {
	mu       sync.Mutex
	running  sync.WaitGroup
	draining chan struct{}
}

func (s *stopper1055) start() { s.running.Add(1) }

func (s *stopper1055) setStopped() {
	s.mu.Lock() // AT mutex
	defer s.mu.Unlock()
	s.running.Done()
}

func (s *stopper1055) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.draining)
	s.running.Wait() // AT semaphore HOLDS
}

func TestCockroach1055(t *testing.T) {
	s := &stopper1055{draining: make(chan struct{})}
	var left sync.WaitGroup
	for i := 0; i < 3; i++ {
		s.start()
		spawn(&left, func() {
			<-s.draining
			s.setStopped()
		})
	}
	s.stop()
	left.Wait()
}

// cockroach#1462 (channel and wait group): a worker sends events to a loop that has ended already; Stop waits for the worker
type transport1462 struct {
	events chan int
	stop   chan struct{}
}

func (tr *transport1462) serve(serving chan bool) {
	close(serving)
	select {
	case <-tr.events:
	case <-tr.stop:
	}
}

func (tr *transport1462) close(workers *sync.WaitGroup) {
	close(tr.stop)
	workers.Wait() // BESIDE semaphore
}

func TestCockroach1462(t *testing.T) {
	tr := &transport1462{make(chan int), make(chan struct{})}
	var workers sync.WaitGroup
	serving := make(chan bool)
	go tr.serve(serving)
	<-serving
	spawn(&workers, func() {
		for i := 0; i < 2; i++ {
			tr.events <- i // AT chan_send
		}
	})
	time.Sleep(5 * time.Millisecond)
	tr.close(&workers)
}

// cockroach#2448 (channel): the loop sends an event to the store, which sends a callback to the loop
type raft2448 struct {
	events    chan string
	callbacks chan func()
	quit      chan struct{}
}

func (m *raft2448) sendEvent(e string) {
	select { // AT select
	case m.events <- e:
	case <-m.quit:
	}
}

func (m *raft2448) loop() {
	m.sendEvent("membership")
	m.sendEvent("command")
	for f := range m.callbacks {
		f()
	}
}

func (m *raft2448) processRaft(processing time.Duration) {
	for range m.events {
		time.Sleep(processing)
		select { // AT select
		case m.callbacks <- func() {}:
		case <-m.quit:
		}
	}
}

func TestCockroach2448(t *testing.T) {
	m := &raft2448{make(chan string), make(chan func()), make(chan struct{})}
	var left sync.WaitGroup
	spawn(&left, m.loop)
	spawn(&left, func() { m.processRaft(5 * time.Millisecond) })
	left.Wait() // BESIDE semaphore
}

// cockroach#3710 (RWR): reads again below its own read lock, and a writer came between
type store3710 struct{ mu sync.RWMutex }

func (s *store3710) forceScan() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	writerWaits(&s.mu)
	s.maybeAdd()
}

func (s *store3710) maybeAdd() bool { return s.truncatable() > 0 }

func (s *store3710) truncatable() int { return s.status() }

func (s *store3710) status() int {
	s.mu.RLock() // AT rwlock HOLDS
	defer s.mu.RUnlock()
	return 1
}

func (s *store3710) processRaft() {
	s.mu.Lock() // AT rwlock
	defer s.mu.Unlock()
}

func TestCockroach3710(t *testing.T) {
	var left sync.WaitGroup
	s := &store3710{}
	spawn(&left, s.forceScan)
	readerHolds(&s.mu)
	spawn(&left, s.processRaft)
	left.Wait() // BESIDE semaphore
}

// cockroach#6181 (RWR): the cache prints itself with its read lock held, and String takes the lock again
type cache6181 struct {
	mu      sync.RWMutex
	entries map[string]int
}

func (c *cache6181) String() string {
	writerWaits(&c.mu)
	c.mu.RLock() // AT rwlock HOLDS
	defer c.mu.RUnlock()
	return fmt.Sprint(len(c.entries))
}

func (c *cache6181) lookup(key string) string {
	c.mu.RLock()
	text := fmt.Sprintf("%s in %s", key, c)
	c.mu.RUnlock()
	return text
}

func (c *cache6181) insert(key string) {
	c.mu.Lock() // AT rwlock
	defer c.mu.Unlock()
	c.entries[key]++
}

func TestCockroach6181(t *testing.T) {
	c := &cache6181{entries: map[string]int{}}
	var left sync.WaitGroup
	spawn(&left, func() { c.lookup("a") })
	readerHolds(&c.mu)
	spawn(&left, func() { c.insert("b") })
	left.Wait() // BESIDE semaphore
}

// cockroach#7504 (AB-BA): Release locks lease, then names; AcquireByName locks names, then lease
type lease7504 struct{ mu sync.Mutex }

type names7504 struct {
	mu    sync.Mutex
	lease *lease7504
}

func (n *names7504) get(both *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	both.Done()
	both.Wait()
	n.lease.mu.Lock() // AT mutex HOLDS
	defer n.lease.mu.Unlock()
}

func (n *names7504) remove() {
	n.mu.Lock() // AT mutex HOLDS
	defer n.mu.Unlock()
}

func release7504(l *lease7504, n *names7504, both *sync.WaitGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	both.Done()
	both.Wait()
	n.remove()
}

func TestCockroach7504(t *testing.T) {
	l := &lease7504{}
	n := &names7504{lease: l}
	var both, left sync.WaitGroup
	both.Add(2)
	spawn(&left, func() { n.get(&both) })
	spawn(&left, func() { release7504(l, n, &both) })
	left.Wait() // BESIDE semaphore
}

// cockroach#9935 (double locking): the log fails to write with its lock held, and exits, which takes the lock
type log9935 struct{ mu sync.Mutex }

func (l *log9935) output(text string) {
	l.mu.Lock()
	if _, err := l.create(); err != nil {
		l.exit(err)
	}
	l.mu.Unlock()
}

func (l *log9935) create() (int, error) { return 0, errors.New("no space") }

func (l *log9935) exit(err error) {
	l.mu.Lock() // AT mutex
	defer l.mu.Unlock()
}

func TestCockroach9935(t *testing.T) {
	l := &log9935{}
	l.output("x")
}

// cockroach#10214 (AB-BA): heartbeats lock the store, then the replica; a tick locks the replica, then the store
type store10214 struct {
	coalesced struct {
		sync.Mutex
		beats int
	}
}

type replica10214 struct {
	raftMu sync.Mutex
	store  *store10214
}

func (s *store10214) sendQueued(r *replica10214, meet *sync.WaitGroup) {
	s.coalesced.Lock()
	defer s.coalesced.Unlock()
	meet.Done()
	meet.Wait()
	r.reportUnreachable()
}

func (r *replica10214) reportUnreachable() {
	r.raftMu.Lock() // AT mutex HOLDS
	defer r.raftMu.Unlock()
}

func (r *replica10214) tick(meet *sync.WaitGroup) {
	r.raftMu.Lock()
	defer r.raftMu.Unlock()
	meet.Done()
	meet.Wait()
	r.maybeCoalesce()
}

func (r *replica10214) maybeCoalesce() bool {
	r.store.coalesced.Lock() // AT mutex HOLDS
	defer r.store.coalesced.Unlock()
	r.store.coalesced.beats++
	return true
}

func TestCockroach10214(t *testing.T) {
	s := &store10214{}
	r := &replica10214{store: s}
	var meet, left sync.WaitGroup
	meet.Add(2)
	spawn(&left, func() { s.sendQueued(r, &meet) })
	spawn(&left, func() { r.tick(&meet) })
	left.Wait() // BESIDE semaphore
}

// cockroach#10790 (channel and context): the context ends first, and nobody drains the commands' channel
type replica10790 struct{ left sync.WaitGroup }

func (r *replica10790) beginCmds(ctx context.Context) error {
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		spawn(&r.left, func() {
			<-done // AT chan_recv
		})
	}
	select {
	case done <- true:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestCockroach10790(t *testing.T) {
	r := &replica10790{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for r.beginCmds(ctx) == nil {
	}
	r.left.Wait() // BESIDE semaphore
}

// cockroach#13197 (channel and context): a transaction waits for its context, which nobody cancels
type tx13197 struct {
	ctx  context.Context
	done *sync.WaitGroup
}

func begin13197(ctx context.Context, left *sync.WaitGroup) *tx13197 {
	inner, cancel := context.WithCancel(ctx)
	_ = cancel
	tx := &tx13197{inner, left}
	left.Add(1)
	go tx.awaitDone()
	return tx
}

func (tx *tx13197) awaitDone() {
	defer tx.done.Done()
	<-tx.ctx.Done() // AT chan_recv
}

func TestCockroach13197(t *testing.T) {
	var left sync.WaitGroup
	begin13197(context.Background(), &left)
	left.Wait() // BESIDE semaphore
}

// cockroach#13755 (channel and context): rows of a query are never closed
type rows13755 struct {
	cancel context.CancelFunc
	gone   chan struct{}
}

func (r *rows13755) awaitDone(ctx context.Context) {
	<-ctx.Done() // AT chan_recv
	close(r.gone)
}

func query13755(ctx context.Context) *rows13755 {
	ctx, cancel := context.WithCancel(ctx)
	r := &rows13755{cancel, make(chan struct{})}
	go r.awaitDone(ctx)
	return r
}

func TestCockroach13755(t *testing.T) {
	r := query13755(context.Background())
	defer r.cancel()
	<-r.gone // BESIDE chan_recv
}

// cockroach#16167 (double locking): one lock by two names: held as the condition's L to write, and read again below
type executor16167 struct {
	configMu   sync.RWMutex
	configCond *sync.Cond
}

func (e *executor16167) execParsed(locked, updating chan bool) {
	e.configMu.RLock()
	close(locked)
	<-updating
	writerWaits(&e.configMu)
	e.prepare()
	e.configMu.RUnlock()
}

func (e *executor16167) prepare() { e.databaseCache() }

func (e *executor16167) databaseCache() {
	e.configMu.RLock() // AT rwlock HOLDS
	defer e.configMu.RUnlock()
}

func (e *executor16167) updateConfig(updating chan bool) {
	close(updating)
	e.configCond.L.Lock() // AT rwlock
	defer e.configCond.L.Unlock()
	e.configCond.Broadcast()
}

func TestCockroach16167(t *testing.T) {
	e := &executor16167{}
	e.configCond = sync.NewCond(&e.configMu)
	locked, updating := make(chan bool), make(chan bool)
	go func() {
		<-locked
		e.updateConfig(updating)
	}()
	e.execParsed(locked, updating)
}

// cockroach#18101 (channel and context): who takes from the channel stops with the context, who sends does not
func splitAndScatter18101(ready chan int, spans int) {
	for i := 0; i < spans; i++ {
		ready <- i // AT chan_send
	}
	close(ready)
}

func restore18101(ctx context.Context, left *sync.WaitGroup) error {
	ready := make(chan int, 2)
	spawn(left, func() { splitAndScatter18101(ready, 10) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-ready:
			if !ok {
				return nil
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

func TestCockroach18101(t *testing.T) {
	var left sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = restore18101(ctx, &left)
	left.Wait() // BESIDE semaphore
}

// cockroach#24808 (channel): Start sends to a full channel before anybody takes from it
type compactor24808 struct{ suggestions chan struct{} }

func (c *compactor24808) suggest() {
	select {
	case c.suggestions <- struct{}{}:
	default:
	}
}

func (c *compactor24808) start(ctx context.Context) {
	c.suggestions <- struct{}{} // AT chan_send
	go func() {
		for range c.suggestions {
		}
	}()
}

func TestCockroach24808(t *testing.T) {
	c := &compactor24808{make(chan struct{}, 1)}
	c.suggest()
	c.start(context.Background())
}

// cockroach#25456 (channel): asks whether the store drains by receiving from a channel that is only closed then
type store25456 struct{ drain chan struct{} }

type queue25456 struct{ store *store25456 }

func (q queue25456) process() error {
	<-q.store.drain // AT chan_recv
	return errors.New("draining")
}

func TestCockroach25456(t *testing.T) {
	q := queue25456{&store25456{make(chan struct{})}}
	if q.process() == nil {
		t.Fail()
	}
}

// cockroach#35073 (channel): the outbox fails at its start and does not close its channel; who pushes rows fills it
type rows35073 struct {
	data  chan int
	state int
}

func (r *rows35073) push(row int) int {
	r.data <- row // AT chan_send
	return r.state
}

func outbox35073(rows *rows35073) error { return errors.New("cannot connect") }

func TestCockroach35073(t *testing.T) {
	rows := &rows35073{data: make(chan int, 3)}
	if outbox35073(rows) != nil {
		for i := 0; rows.push(i) == 0; i++ {
		}
	}
}

// cockroach#35931 (channel): a cancellation is pushed to each stream in turn, and the first is full
type stream35931 struct{ data chan error }

func (s *stream35931) push(err error) { s.data <- err } // AT chan_send

type flow35931 struct{ inbound []*stream35931 }

func (f *flow35931) cancel(err error) {
	for _, s := range f.inbound {
		s.push(err)
	}
}

func TestCockroach35931(t *testing.T) {
	full, empty := &stream35931{make(chan error, 1)}, &stream35931{make(chan error, 1)}
	full.data <- nil
	var left sync.WaitGroup
	spawn(&left, func() {
		<-empty.data // BESIDE chan_recv
		<-full.data
	})
	(&flow35931{[]*stream35931{full, empty}}).cancel(context.Canceled)
	left.Wait()
}
