# Two threads take two mutexes in opposite order; a third one that sleeps keeps Ruby from noticing.
a, b = Mutex.new, Mutex.new
Thread.new { sleep }
Thread.new { loop { sleep 60 } }

def both(first, second)
  first.synchronize do
    sleep 0.2
    second.synchronize { puts 'both' }
  end
end

other = Thread.new { both(b, a) }
both(a, b)
other.join
