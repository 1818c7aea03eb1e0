# Waits for a condition of the inner monitor and keeps the outer one, which whoever should signal needs first.
require 'monitor'

class Cache
  def initialize
    @all = Monitor.new
    @one = Monitor.new
    @filled = @one.new_cond
    Thread.new { loop { sleep 30 } }
  end

  def take
    @all.synchronize do
      @one.synchronize do
        @filled.wait until @value
        @value
      end
    end
  end

  def fill(v)
    @all.synchronize do
      @one.synchronize do
        @value = v
        @filled.signal
      end
    end
  end
end

cache = Cache.new
filler = Thread.new { sleep 0.3; cache.fill(42) }
puts cache.take
filler.join
