require 'minitest/autorun'

# A worker dies of its first job, the test waits for an answer; a ticker lives on.
class TestQueue < Minitest::Test
  def test_adds
    assert_equal 2, 1 + 1
  end

  def test_answer
    jobs, answers = Queue.new, Queue.new
    Thread.new { loop { sleep 1 } }
    Thread.new { Thread.current.report_on_exception = false; answers << jobs.pop.fetch(:n) }
    jobs << {}
    assert answers.pop
  end
end
