require 'socket'

def wait_port(port)
  TCPSocket.new('127.0.0.1', port)
rescue SystemCallError
  sleep 0.3
  retry
end

wait_port(9)
