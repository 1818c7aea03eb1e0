# hang.rb - hangs in Ruby, one a name.
require 'socket'
a = Mutex.new
b = Mutex.new
zoo = {
  # a second thread that sleeps keeps the interpreter from calling it a deadlock
  'rb_mutex' => lambda {
    Thread.new { a.lock; b.lock; sleep 60 }
    sleep 0.1
    a.lock
  },
  'rb_queue' => lambda { Thread.new { sleep 60 }; Queue.new.pop },
  'rb_pipe' => lambda { r, _w = IO.pipe; r.read },
  'rb_popen' => lambda { IO.popen('sleep 60').read },
  'rb_sleep' => lambda { sleep 60 },
  'rb_wait' => lambda { Process.wait(spawn('sleep 60')) },
  'rb_gets' => lambda { $stdin.gets },
  'rb_accept' => lambda { TCPServer.new('127.0.0.1', 0).accept },
  'rb_system' => lambda { system('sh', '-c', 'read answer') },
  'rb_spin' => lambda { loop { a.owned? } },
}
zoo.fetch(ARGV[0]).call
