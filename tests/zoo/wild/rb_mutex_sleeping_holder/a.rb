# A thread sleeps inside of its locked section; main wants the lock.
LOCK = Mutex.new

def refresh
  LOCK.synchronize { sleep 600 }
end

def read
  LOCK.synchronize { 1 }
end

Thread.new { refresh }
sleep 0.2
read
