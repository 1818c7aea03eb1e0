package goker

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// etcd#5509 (double locking): acquire fails and keeps the read lock; Close waits for it
type client5509 struct {
	mu     sync.RWMutex
	broken bool
}

func (c *client5509) acquire() error {
	c.mu.RLock()
	if c.broken {
		return errors.New("client is closed")
	}
	c.mu.RUnlock()
	return nil
}

func (c *client5509) close() {
	c.mu.Lock() // AT rwlock
	defer c.mu.Unlock()
	c.broken = true
}

func TestEtcd5509(t *testing.T) {
	c := &client5509{broken: true}
	if c.acquire() == nil {
		t.Fatal("acquired")
	}
	c.close()
}

// etcd#6708 (double locking): a deferred unlock, and a call below that locks again
type cluster6708 struct {
	sync.RWMutex
	pinned int
}

func (c *cluster6708) sync() {
	c.Lock()
	defer c.Unlock()
	c.pinned = c.leader()
}

func (c *cluster6708) leader() int {
	c.RLock() // AT rwlock
	defer c.RUnlock()
	return c.pinned + 1
}

func TestEtcd6708(t *testing.T) { (&cluster6708{}).sync() }

// etcd#6857 (channel): Status sends to a loop that has stopped
type node6857 struct {
	status chan chan int
	stop   chan struct{}
	done   chan struct{}
}

func (n *node6857) run() {
	defer close(n.done)
	for {
		select {
		case c := <-n.status:
			c <- 1
		case <-n.stop:
			return
		}
	}
}

func (n *node6857) ask() int {
	c := make(chan int)
	n.status <- c // AT chan_send
	return <-c
}

func (n *node6857) halt() {
	select {
	case n.stop <- struct{}{}:
	case <-n.done:
		return
	}
	<-n.done
}

func TestEtcd6857(t *testing.T) {
	n := &node6857{make(chan chan int), make(chan struct{}), make(chan struct{})}
	go n.run()
	n.halt()
	n.ask()
}

// etcd#6873 (channel and lock): stop waits with the lock held for a loop that takes the lock to go on
type watches6873 struct {
	mu      sync.Mutex
	updates chan int
	done    chan struct{}
}

func (w *watches6873) loop(taken chan bool) {
	defer close(w.done)
	for range w.updates {
		close(taken)
		time.Sleep(10 * time.Millisecond)
		w.coalesce()
	}
}

func (w *watches6873) coalesce() {
	w.mu.Lock() // AT mutex
	defer w.mu.Unlock()
}

func (w *watches6873) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.updates)
	<-w.done // AT chan_recv HOLDS
}

func TestEtcd6873(t *testing.T) {
	w := &watches6873{updates: make(chan int, 1), done: make(chan struct{})}
	taken := make(chan bool)
	go w.loop(taken)
	w.updates <- 1
	<-taken
	w.stop()
}

// etcd#7443 (channel and lock): the balancer notifies with its lock held, and who reads that waits for the lock
type balancer7443 struct {
	mu     sync.RWMutex
	notify chan []string
}

func (b *balancer7443) up(addr string) func() {
	b.mu.Lock()
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notify <- nil // AT chan_send HOLDS
	}
}

func (b *balancer7443) close() {
	b.mu.Lock() // AT rwlock
	close(b.notify)
	b.mu.Unlock()
}

func (b *balancer7443) watch(tearDown func()) {
	for range b.notify {
		tearDown()
	}
}

func TestEtcd7443(t *testing.T) {
	b := &balancer7443{notify: make(chan []string)}
	var left sync.WaitGroup
	spawn(&left, func() { b.watch(b.up("a")) })
	b.notify <- []string{"a"}
	for b.mu.TryRLock() {
		b.mu.RUnlock()
		time.Sleep(time.Millisecond)
	}
	spawn(&left, b.close)
	left.Wait() // BESIDE semaphore
}

// etcd#7492 (channel and lock): a token is added with the lock held, to a keeper that waits for the lock to delete another
type tokens7492 struct {
	mu     sync.RWMutex
	keeper *keeper7492
}

type keeper7492 struct {
	add     chan string
	expires *time.Ticker
	expire  func(string)
}

func (k *keeper7492) run() {
	for {
		select {
		case <-k.add:
		case <-k.expires.C:
			k.expire("old")
		}
	}
}

func (s *tokens7492) assign(token string) {
	s.mu.Lock()
	time.Sleep(5 * time.Millisecond) // so that the ticker comes first now and then
	s.keeper.add <- token            // AT chan_send HOLDS
	s.mu.Unlock()
}

func (s *tokens7492) expire(string) {
	s.mu.Lock() // AT rwlock
	defer s.mu.Unlock()
}

func TestEtcd7492(t *testing.T) {
	s := &tokens7492{}
	s.keeper = &keeper7492{make(chan string), time.NewTicker(3 * time.Millisecond), s.expire}
	go s.keeper.run()
	for {
		s.assign("new")
	}
}

// etcd#7902 (channel and lock): a follower waits with the lock for a channel that the leader closes once it has the lock
type round7902 struct {
	rest     time.Duration
	validate func()
	release  func()
}

func doRounds7902(rounds []*round7902) {
	var mu sync.Mutex
	var validated, all sync.WaitGroup
	validated.Add(len(rounds))
	all.Add(len(rounds))
	for _, r := range rounds {
		go func(r *round7902) {
			defer all.Done()
			mu.Lock()
			r.validate()
			mu.Unlock()
			validated.Done()
			validated.Wait()
			time.Sleep(r.rest)
			mu.Lock() // AT mutex
			r.release()
			mu.Unlock()
		}(r)
	}
	all.Wait() // BESIDE semaphore
}

func TestEtcd7902(t *testing.T) {
	next := make(chan bool)
	follower := &round7902{time.Millisecond, func() {}, func() {
		<-next // AT chan_recv HOLDS
	}}
	leader := &round7902{100 * time.Millisecond, func() {}, func() { close(next) }}
	doRounds7902([]*round7902{follower, leader, follower})
}

// etcd#10492 (double locking): Renew calls a checkpointer with the lock held, which locks
type lessor10492 struct {
	mu         sync.RWMutex
	checkpoint func(id int)
}

func (l *lessor10492) renew(id int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.checkpoint(id)
}

func (l *lessor10492) setCheckpoint(int) {
	l.mu.Lock() // AT rwlock
	defer l.mu.Unlock()
}

func TestEtcd10492(t *testing.T) {
	l := &lessor10492{}
	l.checkpoint = l.setCheckpoint
	l.renew(1)
}

// grpc#660 (channel): the benchmark stops, and a caller sends that it is done
type bench660 struct{ stop chan bool }

func (b *bench660) closedLoop(left *sync.WaitGroup) {
	done := make(chan int)
	spawn(left, func() {
		for i := 0; i < 10; i++ {
			done <- i // AT chan_send
		}
	})
	for {
		select {
		case <-b.stop:
			return
		case <-done:
			time.Sleep(time.Millisecond)
		}
	}
}

func TestGrpc660(t *testing.T) {
	b := &bench660{make(chan bool, 1)}
	var left sync.WaitGroup
	b.stop <- true
	b.closedLoop(&left)
	left.Wait() // BESIDE semaphore
}

// grpc#795 (double locking): GracefulStop returns early without giving the lock back
type server795 struct {
	mu    sync.Mutex
	drain bool
}

func (s *server795) gracefulStop() {
	s.mu.Lock()
	if s.drain {
		return
	}
	s.drain = true
	s.mu.Unlock()
}

func (s *server795) Serve() {
	s.mu.Lock() // AT mutex
	s.mu.Unlock()
}

func TestGrpc795(t *testing.T) {
	s := &server795{drain: true}
	s.gracefulStop()
	s.Serve()
}

// grpc#862 (channel and context): a dial fails, and the connection's goroutine waits for its context
type conn862 struct {
	ctx    context.Context
	cancel context.CancelFunc
}

func (c *conn862) reset() {
	for {
		select { // AT select
		case <-c.ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

func dial862(left *sync.WaitGroup) (*conn862, error) {
	c := &conn862{}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	spawn(left, c.reset)
	return nil, errors.New("no route")
}

func TestGrpc862(t *testing.T) {
	var left sync.WaitGroup
	if _, err := dial862(&left); err == nil {
		t.Fatal("dialled")
	}
	left.Wait() // BESIDE semaphore
}

// grpc#1275 (channel): closing a stream does not wake who reads from it
type stream1275 struct{ recv chan []byte }

func (s *stream1275) Read(p []byte) (int, error) {
	data := <-s.recv // AT chan_recv
	return copy(p, data), io.EOF
}

func (s *stream1275) close() {}

func TestGrpc1275(t *testing.T) {
	s := &stream1275{make(chan []byte)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.ReadFull(s, make([]byte, 1))
	}()
	s.close()
	select { // BESIDE select
	case <-read:
	case <-time.After(time.Hour):
		t.Fatal("not read")
	}
}

// grpc#1353 (channel and lock): the resolver sends an update with the lock held; who reads updates locks to remove an address
type roundRobin1353 struct {
	mu      sync.Mutex
	updates chan bool
}

func (r *roundRobin1353) watch() {
	for {
		r.mu.Lock()
		r.updates <- true // AT chan_send HOLDS
		r.mu.Unlock()
	}
}

func (r *roundRobin1353) down() {
	r.mu.Lock() // AT mutex
	defer r.mu.Unlock()
}

func (r *roundRobin1353) lbWatcher() {
	for range r.updates {
		time.Sleep(3 * time.Millisecond)
		r.down()
	}
}

func TestGrpc1353(t *testing.T) {
	r := &roundRobin1353{updates: make(chan bool)}
	var left sync.WaitGroup
	spawn(&left, r.watch)
	spawn(&left, r.lbWatcher)
	left.Wait() // BESIDE semaphore
}

// grpc#1424 (channel): a dial gives up and does not drain its done channel
func lbWatcher1424(notify chan []string, done chan struct{}) {
	for addrs := range notify {
		if len(addrs) > 0 {
			done <- struct{}{} // AT chan_send
		}
	}
}

func dial1424(left *sync.WaitGroup) error {
	notify, done := make(chan []string, 1), make(chan struct{})
	spawn(left, func() { lbWatcher1424(notify, done) })
	notify <- []string{"a"}
	failed := make(chan error, 1)
	failed <- errors.New("no transport")
	select {
	case err := <-failed:
		return err
	case <-time.After(time.Hour):
		<-done
	}
	return nil
}

func TestGrpc1424(t *testing.T) {
	var left sync.WaitGroup
	_ = dial1424(&left)
	left.Wait() // BESIDE semaphore
}

// grpc#1460 (channel and lock): the keepalive waits with the lock to be woken by NewStream, which needs the lock
type transport1460 struct {
	mu    sync.Mutex
	awake chan struct{}
}

func (tr *transport1460) keepalive(asleep chan bool) {
	tr.mu.Lock()
	close(asleep)
	<-tr.awake // AT chan_recv HOLDS
	tr.mu.Unlock()
}

func (tr *transport1460) newStream() {
	tr.mu.Lock() // AT mutex
	tr.awake <- struct{}{}
	tr.mu.Unlock()
}

func TestGrpc1460(t *testing.T) {
	tr := &transport1460{awake: make(chan struct{})}
	asleep := make(chan bool)
	go tr.keepalive(asleep)
	<-asleep
	tr.newStream()
}

// grpc#3017 (double locking): a branch of the resolver returns with the lock
type ccb3017 struct {
	mu    sync.Mutex
	cache map[string]func()
}

func (c *ccb3017) newSubConn(addr string) {
	c.mu.Lock()
	if cancel, ok := c.cache[addr]; ok {
		cancel()
		delete(c.cache, addr)
		return
	}
	c.mu.Unlock()
}

func (c *ccb3017) removeSubConn(addr string) {
	c.mu.Lock() // AT mutex
	defer c.mu.Unlock()
	c.cache[addr] = func() {}
}

func TestGrpc3017(t *testing.T) {
	c := &ccb3017{cache: map[string]func(){}}
	c.removeSubConn("a")
	c.newSubConn("a")
	var left sync.WaitGroup
	for i := 0; i < 3; i++ {
		spawn(&left, func() { c.removeSubConn("b") })
	}
	left.Wait() // BESIDE semaphore HOLDS
}
