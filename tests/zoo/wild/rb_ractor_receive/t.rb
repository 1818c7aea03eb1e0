# Main waits for the answer of a Ractor, which waits for a message that main never sends.
counter = Ractor.new do
  n = 0
  while (x = Ractor.receive)
    n += x
  end
  n
end

puts counter.take
