# moves.rb - threads that go through calls at random and rest there. For each line of its input it prints Thread#backtrace of each.
class Walker
  attr_reader :steps # who has as many as before has not moved

  def initialize(seed, shared, queue)
    @rnd = Random.new(seed)
    @shared = shared
    @queue = queue
    @steps = 0
  end

  def on(depth)
    @steps += 1
    return rest if depth.zero?

    case @rnd.rand(6)
    when 0 then through(depth - 1)
    when 1 then [1].map { |_| on(depth - 1) }
    when 2
      begin
        on(depth - 1)
      ensure
        @mark = depth
      end
    when 3 then send(:on, depth - 1)
    when 4 then ->(d) { on(d) }.call(depth - 1)
    else
      on(depth - 1)
    end
  end

  def through(depth)
    1.times do
      on(depth)
    end
  end

  def rest
    case @rnd.rand(5)
    when 0 then @shared.synchronize { sleep @rnd.rand * 0.3 }
    when 1 then @queue.pop
    when 2 then IO.select([$never], nil, nil, @rnd.rand * 0.8)
    when 3
      n = 0
      (@rnd.rand(20_000)).times { |i| n += i }
    else
      sleep(@rnd.rand * 1.5)
    end
  end

  def forever
    loop { on(@rnd.rand(10)) }
  end
end

$never, $writer = IO.pipe
shared = Mutex.new
queue = Queue.new
who = (0...8).map { |i| Walker.new(i, shared, queue) }
walkers = who.map.with_index { |w, i| Thread.new { w.forever }.tap { |t| t.name = "walker#{i}" } }
Thread.new { loop { sleep 0.1; queue << 1 if queue.num_waiting > 0 } }
$stdout.sync = true
while $stdin.gets
  walkers.each { |t| puts t.name, t.backtrace }
  who.each.with_index { |w, i| puts "steps walker#{i} #{w.steps}" }
  puts 'END'
end
