# The signal comes before the wait.
require 'socket'

server = TCPServer.new('127.0.0.1', 0)
Thread.new { server.accept }
m = Mutex.new
cv = ConditionVariable.new
m.synchronize { cv.signal }
waiter = Thread.new do
  m.synchronize do
    cv.wait(m)
  end
end
waiter.join
