# Waits for a file that nobody writes.
def wait_for(path)
  until File.exist?(path)
    sleep 0.2
  end
end

wait_for('ready')
