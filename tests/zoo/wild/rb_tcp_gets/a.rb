# The client waits for a greeting; the server thread waits for the client's first line.
require 'socket'

def greeting(port)
  s = TCPSocket.new('127.0.0.1', port)
  s.gets
end

server = TCPServer.new('127.0.0.1', 0)
Thread.new { c = server.accept; c.gets; c.puts 'hello' }
puts greeting(server.addr[1])
