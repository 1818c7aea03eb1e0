# The parent reads to the end of a pipe whose writing end it has open itself.
def collect
  r, w = IO.pipe
  pid = fork { r.close; w.puts 'done'; w.close }
  Process.wait(pid)
  r.read
end

puts collect
