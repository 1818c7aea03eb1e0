# The thread's value is waited for, and the thread for a pipe into which nobody writes.
def ready(r)
  IO.select([r])
end

r, _w = IO.pipe
t = Thread.new { ready(r) }
puts t.value.inspect
