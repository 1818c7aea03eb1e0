require 'drb'

# The server's method waits for a job that only another client would bring.
class Jobs
  def initialize = @queue = Queue.new
  def put(job) = @queue << job
  def take = @queue.pop
end

read, write = IO.pipe
pid = fork do
  DRb.start_service('druby://127.0.0.1:0', Jobs.new)
  write.puts DRb.uri
  write.close
  DRb.thread.join
end
write.close
jobs = DRbObject.new_with_uri(read.gets.chomp)
puts jobs.take
Process.kill(:TERM, pid)
