ENV['MT_CPU'] = '1'
require 'minitest/autorun'

# Two tests that meet each other, on one thread; a ticker lives on.
Thread.new { loop { sleep 1 } }

class TestMeet < Minitest::Test
  parallelize_me!
  A = Queue.new
  B = Queue.new

  def test_a
    A << 1
    assert B.pop
  end

  def test_b
    B << 1
    assert A.pop
  end

  def test_c
    Thread.new { sleep }
    assert Queue.new.pop
  end
end
