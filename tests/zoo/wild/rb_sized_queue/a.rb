# A bounded queue whose consumer has died.
require 'socket'

server = TCPServer.new('127.0.0.1', 0)
Thread.new { server.accept }
queue = SizedQueue.new(1)
Thread.report_on_exception = false
Thread.new { raise queue.pop.to_s }

def feed(queue)
  5.times { |n| queue.push(n) }
end

feed(queue)
