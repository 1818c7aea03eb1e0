t = Thread.new { Queue.new.pop }
sleep 3.2
