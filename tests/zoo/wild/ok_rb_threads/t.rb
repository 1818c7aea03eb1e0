q = Queue.new
t = Thread.new { q.pop }
sleep 3
q << 1
t.join
