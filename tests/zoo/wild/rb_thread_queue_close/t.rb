# Workers take from a queue until it is closed; the producer forgets to close it where a record is bad. A ticker lives on.
queue = Thread::Queue.new
Thread.new { loop { sleep 10 } }

workers = Array.new(2) do
  Thread.new do
    loop do
      # until the end
      job = queue.pop
      break unless job
      puts "did #{job}"
    end
  end
end

def produce(queue)
  [1, 2, nil_value = :bad, 4].each { |x| raise 'bad record' if x == :bad; queue << x }
  queue.close
rescue RuntimeError
  warn 'a record was bad'
end

produce(queue)
workers.each(&:join)
