require 'minitest/autorun'
class TestStock < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  def test_adds; assert_equal 2, 1 + 1; end
  def test_queue
    Thread.new { sleep }
    take(Queue.new)
  end

  private

  def take(queue) = queue.pop # AT minitest
end
