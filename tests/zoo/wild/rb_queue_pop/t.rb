# The worker has died of an exception; main waits for its answer. A thread that watches a pipe keeps Ruby from noticing.
require 'thread'
jobs = Queue.new
answers = Queue.new
r, _w = IO.pipe
Thread.new { r.read }
Thread.report_on_exception = false
Thread.new { answers << Integer(jobs.pop) }
jobs << 'seven'
def collect(q)
  q.pop
end
puts collect(answers)
