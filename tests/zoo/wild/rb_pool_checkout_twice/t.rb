# A pool of one connection: a query inside of a transaction takes another one. A reaper thread sleeps in the background.
class Pool
  def initialize(size)
    @free = Array.new(size) { |i| "connection #{i}" }
    @lock = Mutex.new
    @returned = ConditionVariable.new
    @reaper = Thread.new { loop { sleep 30 } }
  end

  def checkout
    @lock.synchronize do
      while @free.empty?
        # until somebody gives one back

        @returned.wait(@lock)
      end
      @free.pop
    end
  end

  def checkin(c)
    @lock.synchronize { @free.push(c); @returned.signal }
  end

  def with
    c = checkout
    yield c
  ensure
    checkin(c) if c
  end
end

pool = Pool.new(1)
pool.with do |tx|
  puts "begin on #{tx}"
  pool.with { |c| puts "select on #{c}" }
end
