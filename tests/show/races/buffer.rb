# SPDX-License-Identifier: Apache-2.0
# A reader that looks, says so, and then waits, in two critical sections: a signal in between is lost. The heartbeat keeps
# Ruby from seeing that nobody can go on.
lock = Mutex.new
filled = ConditionVariable.new
items = []
heartbeat = Thread.new { loop { sleep 0.2 } }
reader = Thread.new do
	empty = lock.synchronize { items.empty? }
	if empty
		$stderr.puts 'nothing yet'
		lock.synchronize { filled.wait(lock) }
	end
	lock.synchronize { items.shift }
end
writer = Thread.new do
	sleep 0.02
	lock.synchronize { items << 1 }
	filled.signal
end
puts reader.value
writer.join
heartbeat.kill
