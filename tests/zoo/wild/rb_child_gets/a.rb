# The child asks on standard input, the parent waits for it.
def ask
  $stderr.print 'Continue? '
  $stdin.gets
end

pid = fork { ask }
Process.wait(pid)
