# at_exit joins a thread that waits for work.
require 'socket'

server = TCPServer.new('127.0.0.1', 0)
Thread.new { server.accept }
jobs = Queue.new
worker = Thread.new { jobs.pop }
at_exit { worker.join }
puts 'done'
