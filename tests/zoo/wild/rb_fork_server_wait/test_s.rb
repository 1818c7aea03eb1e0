require 'minitest/autorun'
require 'socket'

# The test waits for a server to end that it has forked; the server goes on.
class TestServer < Minitest::Test
  def serve(s)
    loop do
      c = s.accept
      c.puts 'hello'
      c.close
    end
  end

  def test_hello
    s = TCPServer.new('127.0.0.1', 0)
    pid = fork { serve(s) }
    assert_equal "hello\n", TCPSocket.new('127.0.0.1', s.addr[1]).gets
    Process.wait(pid)
  end
end
