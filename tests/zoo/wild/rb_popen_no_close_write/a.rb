# A filter that answers at the end of its input, which is not closed.
def sorted(lines)
  IO.popen('sort', 'r+') do |io|
    io.puts(lines)
    io.gets
  end
end

sorted(%w[b a])
