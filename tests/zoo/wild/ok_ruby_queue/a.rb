q = Queue.new
t = Thread.new { q.pop }
sleep 5
q << 1
t.join
puts 'ok'
