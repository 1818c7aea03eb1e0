# hang.rb - hangs in Ruby, one a name.
require 'monitor'
require 'socket'
a = Mutex.new
b = Mutex.new
zoo = {
  # a second thread that sleeps keeps the interpreter from calling it a deadlock
  'rb_mutex' => lambda {
    Thread.new { a.lock; b.lock; sleep 60 } # HELD rb_mutex
    sleep 0.1
    a.lock # AT rb_mutex
  },
  'rb_queue' => lambda { Thread.new { sleep 60 }; Queue.new.pop }, # AT rb_queue
  'rb_join' => lambda { Thread.new { IO.select([IO.pipe[0]]) }.join }, # AT rb_join
  'rb_sized' => lambda { q = SizedQueue.new(1); q << 1; Thread.new { sleep 60 }; q << 2 }, # AT rb_sized
  'rb_cond' => lambda { Thread.new { sleep 60 }; a.synchronize { ConditionVariable.new.wait(a) } }, # AT rb_cond
  'rb_abba' => lambda {
    t = Thread.new { a.lock; sleep 0.2; b.lock } # AT rb_abba
    b.lock
    sleep 0.2
    Thread.new { sleep 60 }
    a.lock # AT rb_abba
    t.join
  },
  'rb_stop' => lambda { Thread.new { sleep 60 }; Thread.stop }, # AT rb_stop
  'rb_monitor' => lambda {
    m = Monitor.new
    Thread.new { m.synchronize { sleep 60 } } # HELD rb_monitor
    sleep 0.1
    m.synchronize { } # AT rb_monitor
  },
  'rb_pipe' => lambda { r, _w = IO.pipe; r.read }, # AT rb_pipe
  'rb_popen' => lambda { IO.popen('sleep 60').read }, # AT rb_popen
  'rb_sleep' => lambda { sleep 60 }, # AT rb_sleep
  'rb_wait' => lambda { Process.wait(spawn('sleep 60')) }, # AT rb_wait
  'rb_gets' => lambda { $stdin.gets }, # AT rb_gets
  'rb_accept' => lambda { TCPServer.new('127.0.0.1', 0).accept }, # AT rb_accept
  'rb_system' => lambda { system('sh', '-c', 'read answer') }, # AT rb_system
  # a function in C that sleeps keeps the lock of the virtual machine
  'rb_gvl' => lambda {
    n = 0
    Thread.new { loop { n += 1 } } # AT rb_gvl
    sleep 0.2
    require 'fiddle'
    Fiddle::Function.new(Fiddle.dlopen(nil)['sleep'], [Fiddle::TYPE_INT], Fiddle::TYPE_INT, need_gvl: true).call(60) # HELD rb_gvl
  },
  'rb_spin' => lambda { loop { a.owned? } }, # AT rb_spin
}
zoo.fetch(ARGV[0]).call
