# popen2 gives a filter its input, and reads before the input is closed: sort waits for the end of it.
require 'open3'

def sorted(lines)
  Open3.popen2('sort') do |into, out, _|
    into.puts(lines)
    into.flush
    out.read
  end
end

puts sorted(%w[b a])
