# The worker waits for a job that does not come; join waits for the worker.
jobs = Queue.new

def work(jobs)
  jobs.pop
end

t = Thread.new { work(jobs) }
Thread.new { loop { sleep 1 } }
t.join
