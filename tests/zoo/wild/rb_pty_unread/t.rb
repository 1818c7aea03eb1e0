require 'pty'

# What the program writes on its terminal is read only when it has ended.
def run(command)
  out, _in, pid = PTY.spawn(command)
  Process.wait(pid)
  out.read
end

puts run('seq 1 100000; echo done').size
