# A server that takes the connection and says nothing.
require 'net/http'
require 'socket'
silent = TCPServer.new('127.0.0.1', 0)

def fetch(port)
  http = Net::HTTP.new('127.0.0.1', port)
  http.read_timeout = nil
  http.get('/')
end

fetch(silent.addr[1])
